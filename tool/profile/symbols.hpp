// Symbols: which function, file and line a place in a program or library is, inlined calls and all.
//
// Through elfutils: from the debug information where the file has some (or the system has it in its
// usual place, by build id), from its symbol table where not.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace strata::tool {

struct SourcePlace {
  std::string function;  // demangled, empty: unknown
  std::string file;      // empty: unknown
  int line = 0;
};

class Symbols {
 public:
  Symbols();
  ~Symbols();
  Symbols(const Symbols&) = delete;
  Symbols& operator=(const Symbols&) = delete;

  // The functions at an address of a file, the innermost first: those before the last are inlined
  // into it. Empty when nothing is known.
  std::vector<SourcePlace> at(const std::string& path, std::uint64_t address);
  // The address in a file of what stands at an offset of it: the offset when that is not known.
  std::uint64_t address_of(const std::string& path, std::uint64_t offset);

 private:
  struct OpenFile;
  OpenFile& open(const std::string& path);
  std::map<std::string, std::unique_ptr<OpenFile>> files_;
};

}  // namespace strata::tool
