// Putting the page together. See page.hpp.
#include "report/page.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include "observe/trouble.hpp"
#include "observe/words.hpp"
#include "page/shell.hpp"
#include "profile/text.hpp"
#include "report/parts.hpp"

namespace strata::tool {
namespace {

double rounded(double share) { return std::round(share * 100) / 100; }

constexpr View views[] = {View::live, View::peak, View::allocated, View::held};
constexpr unsigned view_count = 4;

struct Node {
  double bytes[view_count] = {};
  std::map<std::string, Node> children;
};

class Tree {
 public:
  explicit Tree(const HeapProfile& profile) {
    for (const ProfileSample& sample : profile.samples) {
      double bytes[view_count];
      for (unsigned i = 0; i < view_count; ++i) bytes[i] = amount_of(sample, views[i]).bytes;
      Node* node = &root_;
      add(*node, bytes);
      const ProfiledProcess& process = profile.processes[sample.process];
      if (profile.processes.size() > 1) {
        const std::string name = std::filesystem::path(process.executable).filename();
        node = &node->children[name + " " + std::to_string(process.number)];
        add(*node, bytes);
      }
      for (size_t i = sample.locations.size(); i-- > 0;) {
        const auto& places = profile.locations[sample.locations[i]].places;
        for (size_t k = places.size(); k-- > 0;) {
          node = &node->children[places[k].function];
          add(*node, bytes);
        }
      }
    }
  }

  Json document() {
    Json tree = write("all", root_);
    return {{"tree", std::move(tree)}, {"names", names_}};
  }

 private:
  static void add(Node& node, const double* bytes) {
    for (unsigned i = 0; i < view_count; ++i) node.bytes[i] += bytes[i];
  }
  [[nodiscard]] bool matters(const Node& node) const {
    for (unsigned i = 0; i < view_count; ++i) {
      if (node.bytes[i] > 0 && node.bytes[i] * 1000 >= root_.bytes[i]) return true;
    }
    return false;
  }
  size_t number(const std::string& name) {
    constexpr size_t longest = 300;
    const auto [known, is_new] = numbers_.try_emplace(name, names_.size());
    if (is_new) names_.push_back(name.size() > longest ? name.substr(0, longest) : name);
    return known->second;
  }
  Json write(const std::string& name, const Node& node) {
    Json bytes = Json::array();
    for (const double one : node.bytes) bytes.push_back(std::llround(one));
    Json children = Json::array();
    for (const auto& [child_name, child] : node.children) {
      if (matters(child)) children.push_back(write(child_name, child));
    }
    return Json::array({number(name), std::move(bytes), std::move(children)});
  }

  Node root_;
  std::map<std::string, size_t> numbers_;
  std::vector<std::string> names_;
};

}  // namespace

Json profile_document(const HeapProfile& profile, View first, const std::string& about) {
  Json document = Tree(profile).document();
  std::uint64_t samples = 0;
  for (const ProfiledProcess& process : profile.processes) samples += process.samples;
  document["about"] = !about.empty()
                          ? about
                          : fmt::format("Estimated from {} samples, one in {}.",
                                        count_words(samples), size_words(double(profile.mean)));
  document["views"] = Json::array();
  for (unsigned i = 0; i < view_count; ++i) {
    document["views"].push_back(words_of(views[i]));
    if (views[i] == first) document["first"] = i;
  }
  return document;
}

Json map_document(const Account& account, const SlabBlocks& blocks) {
  constexpr size_t most = 20'000;
  size_t room_for_rows = 500'000;  // letters
  Json map = Json::array();
  for (const RunShare& share : account.runs) {
    if (map.size() == most) break;
    const observe::Run& run = share.run;
    const double bytes = run.slots == 0 ? double(run.bytes) : double(run.slots) * double(slot_size);
    if (bytes == 0) continue;
    const bool is_slab =
        run.kind == observe::RunKind::slab || run.kind == observe::RunKind::slab_part;
    // A free run as long as the rest of the range would be nearly all of the picture.
    constexpr std::uint32_t longest = 256;
    map.push_back({unsigned(run.kind),
                   std::min<std::uint32_t>(run.slots == 0 ? 1 : run.slots, longest),
                   is_slab ? size_of_class(run.size_class) : 0, rounded(double(share.live) / bytes),
                   rounded(double(share.resident) / bytes), is_slab ? run.live : 0, run.address});
    if (!is_slab) continue;
    map.back().push_back(run.uncarved);
    const auto known = blocks.find(run.address);
    if (known == blocks.end()) continue;
    const std::string rows = rows_of(known->second, size_classes.classes[run.size_class].capacity);
    if (rows.size() > room_for_rows) continue;
    room_for_rows -= rows.size();
    map.back().push_back(rows);
  }
  return map;
}

Json sampled_document(const HeapProfile& profile, std::uint32_t process) {
  constexpr size_t most = 4000;
  std::map<std::string, size_t> numbers;
  Json names = Json::array();
  Json list = Json::array();
  for (const SampledBlock& block : profile.blocks) {
    if (profile.processes[block.process].number != process || list.size() == most) continue;
    const auto [site, is_new] =
        numbers.try_emplace(site_of(profile, profile.samples[block.sample]), names.size());
    if (is_new) names.push_back(site->first);
    list.push_back({block.place, block.size, block.age, site->second});
  }
  return {{"names", std::move(names)}, {"blocks", std::move(list)}};
}

std::string report_page(const Json& document) {
  const std::string title = "Strata: " + document["title"].get<std::string>();
  const std::string data = document.dump(-1, ' ', false, Json::error_handler_t::replace);
  return page::html({title, report::style, report::script, data});
}

void write_report(const std::string& path, const Json& document) {
  std::ofstream file(path, std::ios::binary);
  file << report_page(document);
  file.close();
  if (!file) throw Trouble("cannot write {}", path);
  fmt::print(stderr, "strata: {} written\n", path);
}

}  // namespace strata::tool
