// Reading .eh_frame. See frame_rules.hpp; the format is that of the Linux Standard Base and of
// DWARF.
#include "platform/linux/frame_rules.hpp"

namespace strata::unwind {
namespace {

// Numbers of registers in x86-64's tables.
constexpr std::uint64_t register_fp = 6;
constexpr std::uint64_t register_sp = 7;
constexpr std::uint64_t register_return = 16;

// How an address is written.
constexpr std::uint8_t as_word = 0x00;
constexpr std::uint8_t as_unsigned4 = 0x03;
constexpr std::uint8_t as_signed4 = 0x0b;
constexpr std::uint8_t as_signed8 = 0x0c;
constexpr std::uint8_t from_here = 0x10;
constexpr std::uint8_t from_header = 0x30;
constexpr std::uint8_t omitted = 0xff;

class Cursor {
 public:
  explicit Cursor(Address at, Address end = ~Address{0}) noexcept : at_(at), end_(end) {}

  [[nodiscard]] bool more() const noexcept { return at_ < end_; }
  [[nodiscard]] Address at() const noexcept { return at_; }
  void skip(std::uint64_t bytes) noexcept { at_ += bytes; }

  template <class T>
  T read() noexcept {
    T value;
    __builtin_memcpy(&value, reinterpret_cast<const void*>(at_), sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::uint64_t read_unsigned() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = read<std::uint8_t>();
      if (shift < 64) value |= std::uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80) == 0) return value;
    }
  }
  std::int64_t read_signed() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0;;) {
      const auto byte = read<std::uint8_t>();
      if (shift < 64) value |= std::uint64_t{byte & 0x7fU} << shift;
      shift += 7;
      if ((byte & 0x80) != 0) continue;
      if ((byte & 0x40) != 0 && shift < 64) value |= ~std::uint64_t{0} << shift;
      return std::int64_t(value);
    }
  }
  // False: a way of writing that is not read here.
  bool read_address(std::uint8_t way, Address& value) noexcept {
    const Address here = at_;
    switch (way & 0x0f) {
      case as_word:
      case as_signed8:
        value = read<Address>();
        break;
      case as_unsigned4:
        value = read<std::uint32_t>();
        break;
      case as_signed4:
        value = Address(std::intptr_t{read<std::int32_t>()});
        break;
      default:
        return false;
    }
    if ((way & 0xf0) == from_here) value += here;
    return (way & 0xf0) == from_here || (way & 0xf0) == 0;
  }

 private:
  Address at_;
  Address end_;
};

// What the entries of many functions share (CIE).
struct Common {
  std::uint64_t code_unit = 1;
  std::int64_t data_unit = 1;
  std::uint8_t address_way = as_word;
  bool has_extra = false;  // each function's entry has a block of extra data
  bool signal = false;     // the frame of a signal handler
  Address program = 0;
  Address end = 0;
};

bool read_common(Address at, Common& common) noexcept {
  Cursor cursor(at);
  const auto length = cursor.read<std::uint32_t>();
  if (length == 0 || length == ~0U) return false;
  common.end = cursor.at() + length;
  if (cursor.read<std::uint32_t>() != 0) return false;
  const auto version = cursor.read<std::uint8_t>();
  const char* letters = reinterpret_cast<const char*>(cursor.at());
  while (cursor.read<char>() != 0) {
  }
  common.code_unit = cursor.read_unsigned();
  common.data_unit = cursor.read_signed();
  const std::uint64_t column = version == 1 ? cursor.read<std::uint8_t>() : cursor.read_unsigned();
  if (column != register_return) return false;
  common.program = cursor.at();
  if (*letters != 'z') return *letters == 0;
  common.has_extra = true;
  const std::uint64_t extra = cursor.read_unsigned();
  common.program = cursor.at() + extra;
  for (++letters; *letters != 0; ++letters) {
    Address personality = 0;
    switch (*letters) {
      case 'R':
        common.address_way = cursor.read<std::uint8_t>();
        break;
      case 'L':
        cursor.skip(1);
        break;
      case 'P':
        if (!cursor.read_address(cursor.read<std::uint8_t>() & 0x7f, personality)) return false;
        break;
      case 'S':
        common.signal = true;
        break;
      default:
        return true;  // what follows is not for us
    }
  }
  return true;
}

// The state that a table's program works on, row by row of addresses.
struct Row {
  enum class Way : std::uint8_t { by_register, by_expression, unknown };
  Way way = Way::by_register;
  std::uint64_t cfa_register = register_sp;
  std::int64_t cfa_offset = 8;
  Rule::Pointer pointer = Rule::Pointer::same;
  std::int64_t pointer_offset = 0;
  std::int64_t return_offset = -8;
  bool outermost = false;
};

class Program {
 public:
  Program(const Common& common, Address pc) noexcept : common_(common), pc_(pc) {}

  // Runs instructions up to the row of pc. False: something that is not known here.
  bool run(Address from, Address to, Address first) noexcept {
    Cursor cursor(from, to);
    Address at = first;
    while (cursor.more()) {
      const auto code = cursor.read<std::uint8_t>();
      const std::uint64_t low = code & 0x3f;
      bool known = true;
      switch (code >> 6) {
        case 1:
          at += low * common_.code_unit;
          break;
        case 2:
          save(low, std::int64_t(cursor.read_unsigned()) * common_.data_unit);
          break;
        case 3:
          restore(low);
          break;
        default:
          known = step(code, cursor, at);
      }
      if (!known) return false;
      if (at > pc_) return true;
    }
    return true;
  }
  void keep_initial() noexcept { initial_ = row_; }
  [[nodiscard]] const Row& row() const noexcept { return row_; }

 private:
  bool step(std::uint8_t code, Cursor& cursor, Address& at) noexcept;

  void save(std::uint64_t number, std::int64_t offset) noexcept {
    if (number == register_fp) {
      row_.pointer = Rule::Pointer::by_cfa;
      row_.pointer_offset = offset;
    } else if (number == register_return) {
      row_.return_offset = offset;
      row_.outermost = false;
    }
  }
  void restore(std::uint64_t number) noexcept {
    if (number == register_fp) {
      row_.pointer = initial_.pointer;
      row_.pointer_offset = initial_.pointer_offset;
    }
  }
  void lose(std::uint64_t number) noexcept {
    if (number == register_fp) row_.pointer = Rule::Pointer::lost;
    if (number == register_return) row_.outermost = true;
  }
  void define(std::uint64_t number, std::int64_t offset) noexcept {
    row_.way = Row::Way::by_register;
    row_.cfa_register = number;
    row_.cfa_offset = offset;
  }
  // "The address fp + n", and "what stands at fp + n".
  static bool reads_fp(Cursor& cursor, bool stands_at, std::int64_t& offset) noexcept {
    constexpr std::uint8_t fp_plus = 0x70 + register_fp;
    constexpr std::uint8_t dereference = 0x06;
    const std::uint64_t length = cursor.read_unsigned();
    Cursor inner(cursor.at(), cursor.at() + length);
    cursor.skip(length);
    if (length == 0 || inner.read<std::uint8_t>() != fp_plus) return false;
    offset = inner.read_signed();
    if (stands_at && (!inner.more() || inner.read<std::uint8_t>() != dereference)) return false;
    return !inner.more();
  }

  static constexpr unsigned most_kept = 8;
  const Common& common_;
  Address pc_;
  Row row_;
  Row initial_;
  Row kept_[most_kept];
  unsigned kept_count_ = 0;
};

bool Program::step(std::uint8_t code, Cursor& cursor, Address& at) noexcept {
  std::uint64_t number = 0;
  switch (code) {
    case 0x00:  // nothing
      return true;
    case 0x01:  // set the location
      return cursor.read_address(common_.address_way, at);
    case 0x02:
      at += cursor.read<std::uint8_t>() * common_.code_unit;
      return true;
    case 0x03:
      at += cursor.read<std::uint16_t>() * common_.code_unit;
      return true;
    case 0x04:
      at += cursor.read<std::uint32_t>() * common_.code_unit;
      return true;
    case 0x05:  // saved at CFA + n units; signed in 0x11
      number = cursor.read_unsigned();
      save(number, std::int64_t(cursor.read_unsigned()) * common_.data_unit);
      return true;
    case 0x11:
      number = cursor.read_unsigned();
      save(number, cursor.read_signed() * common_.data_unit);
      return true;
    case 0x06:
      restore(cursor.read_unsigned());
      return true;
    case 0x07:  // not saved
      lose(cursor.read_unsigned());
      return true;
    case 0x08:  // unchanged
      if (cursor.read_unsigned() == register_fp) row_.pointer = Rule::Pointer::same;
      return true;
    case 0x09:  // in another register
      lose(cursor.read_unsigned());
      cursor.read_unsigned();
      return true;
    case 0x0a:
      if (kept_count_ == most_kept) return false;
      kept_[kept_count_++] = row_;
      return true;
    case 0x0b:
      if (kept_count_ == 0) return false;
      row_ = kept_[--kept_count_];
      return true;
    case 0x0c:  // CFA is register + n; with n in units in 0x12
      number = cursor.read_unsigned();
      define(number, std::int64_t(cursor.read_unsigned()));
      return true;
    case 0x12:
      number = cursor.read_unsigned();
      define(number, cursor.read_signed() * common_.data_unit);
      return true;
    case 0x0d:
      define(cursor.read_unsigned(), row_.cfa_offset);
      return true;
    case 0x0e:
      row_.cfa_offset = std::int64_t(cursor.read_unsigned());
      return true;
    case 0x13:
      row_.cfa_offset = cursor.read_signed() * common_.data_unit;
      return true;
    case 0x0f:  // CFA by an expression
      row_.way =
          reads_fp(cursor, true, row_.cfa_offset) ? Row::Way::by_expression : Row::Way::unknown;
      return true;
    case 0x10: {  // saved at an address by an expression
      number = cursor.read_unsigned();
      std::int64_t offset = 0;
      const bool readable = reads_fp(cursor, false, offset);
      if (number == register_fp) {
        row_.pointer = readable ? Rule::Pointer::by_fp : Rule::Pointer::lost;
        row_.pointer_offset = offset;
      }
      return number != register_return;
    }
    case 0x16:  // is the value of an expression
      lose(cursor.read_unsigned());
      cursor.skip(cursor.read_unsigned());
      return true;
    case 0x14:  // is CFA + n
    case 0x15:
      lose(cursor.read_unsigned());
      cursor.read_unsigned();
      return true;
    case 0x2e:  // size of pushed arguments
      cursor.read_unsigned();
      return true;
    default:
      return false;
  }
}

bool fits(std::int64_t value, std::int64_t most) noexcept { return value >= -most && value < most; }

Rule rule_of(const Row& row) noexcept {
  Rule rule;
  if (row.outermost) {
    rule.frame = Rule::Frame::outermost;
    return rule;
  }
  if (row.return_offset != -8 || !fits(row.cfa_offset, std::int64_t{1} << 31)) return rule;
  rule.offset = std::int32_t(row.cfa_offset);
  rule.pointer = row.pointer;
  if (!fits(row.pointer_offset, 1 << 15)) {
    rule.pointer = Rule::Pointer::lost;
  } else {
    rule.pointer_offset = std::int16_t(row.pointer_offset);
  }
  if (row.way == Row::Way::by_expression) {
    rule.frame = Rule::Frame::at_fp;
  } else if (row.way == Row::Way::by_register && row.cfa_register == register_sp) {
    rule.frame = Rule::Frame::by_sp;
  } else if (row.way == Row::Way::by_register && row.cfa_register == register_fp) {
    rule.frame = Rule::Frame::by_fp;
  }
  return rule;
}

// The function's entry (FDE) for pc, by the header's sorted table; 0: there is none.
Address find_entry(Address pc, Address header) noexcept {
  struct Pair {
    std::int32_t begin;
    std::int32_t entry;
  };
  Cursor cursor(header);
  if (cursor.read<std::uint8_t>() != 1) return 0;
  const auto frames_way = cursor.read<std::uint8_t>();
  const auto count_way = cursor.read<std::uint8_t>();
  const auto table_way = cursor.read<std::uint8_t>();
  Address frames = 0;
  if (count_way != as_unsigned4 || table_way != (from_header | as_signed4)) return 0;
  if (frames_way == omitted || !cursor.read_address(frames_way, frames)) return 0;
  const auto count = cursor.read<std::uint32_t>();
  const auto* const table = reinterpret_cast<const Pair*>(cursor.at());
  const std::int64_t wanted = std::int64_t(pc) - std::int64_t(header);
  std::uint32_t low = 0;
  for (std::uint32_t high = count; low < high;) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (table[middle].begin <= wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low == 0 ? 0 : header + Address(std::int64_t{table[low - 1].entry});
}

}  // namespace

Rule rule_for(Address pc, Address header) noexcept {
  const Address entry = find_entry(pc, header);
  if (entry == 0) return {};
  Cursor cursor(entry);
  const auto length = cursor.read<std::uint32_t>();
  if (length == 0 || length == ~0U) return {};
  const Address end = cursor.at() + length;
  const Address common_field = cursor.at();
  Common common;
  if (!read_common(common_field - cursor.read<std::uint32_t>(), common)) return {};
  Address first = 0;
  Address bytes = 0;
  if (!cursor.read_address(common.address_way, first)) return {};
  if (!cursor.read_address(common.address_way & 0x0f, bytes)) return {};
  if (pc - first >= bytes || common.signal) return {};
  if (common.has_extra) cursor.skip(cursor.read_unsigned());
  Program program(common, pc);
  if (!program.run(common.program, common.end, 0)) return {};
  program.keep_initial();
  if (!program.run(cursor.at(), end, first)) return {};
  return rule_of(program.row());
}

}  // namespace strata::unwind
