// What may follow the words typed so far.
#include "teach/completion.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "teach/candidates.hpp"
#include "teach/tree.hpp"

namespace strata::tool {
namespace {

class Completion {
 public:
  Completion(const CLI::App& app, const std::vector<std::string>& words)
      : app_(app), words_(words), current_(words.empty() ? "" : words.back()) {}

  std::string answer() {
    const std::size_t last = words_.empty() ? 0 : words_.size() - 1;
    std::size_t at = 0;
    while (at < last && words_[at].rfind('-', 0) == 0) ++at;  // --version and the like
    if (at == last) return commands();
    for (const Command& command : describe_commands(app_)) {
      if (command.name == words_[at]) return within(command, at + 1, last);
    }
    return ":none\n";
  }

 private:
  std::string commands() {
    if (current_.rfind('-', 0) == 0) return option_names(describe(app_));
    for (const Command& command : describe_commands(app_)) offer({command.name, command.summary});
    return out_ + ":none\n";
  }

  std::string within(const Command& command, std::size_t at, std::size_t last) {
    std::vector<const Argument*> positionals;
    for (const Argument& argument : command.arguments) {
      if (argument.is_positional) positionals.push_back(&argument);
    }
    std::size_t given = 0;  // positionals
    for (; at < last; ++at) {
      const std::string& word = words_[at];
      if (word == "--") return program_at(at + 1, last);
      if (word.size() < 2 || word[0] != '-') {
        if (command.ends_in_program) return program_at(at, last);
        ++given;
        continue;
      }
      const Argument* option = find(command, word.substr(0, word.find('=')));
      const bool has_value = word.find('=') != std::string::npos;
      if (option == nullptr || !option->takes_value() || has_value || option->value_optional)
        continue;
      if (++at == last) return values(*option, "");
    }
    if (current_.rfind('-', 0) == 0) {
      const std::size_t equals = current_.find('=');
      if (equals == std::string::npos) return option_names(command);
      const Argument* option = find(command, current_.substr(0, equals));
      return option == nullptr ? ":none\n" : values(*option, current_.substr(0, equals + 1));
    }
    if (positionals.empty()) return option_names(command);
    const Argument& next = *positionals[std::min(given, positionals.size() - 1)];
    if (given >= positionals.size() && !next.repeatable) return option_names(command);
    return values(next, "");
  }

  // A program's own command line begins there.
  std::string program_at(std::size_t at, std::size_t last) {
    return at >= last ? ":commands\n" : fmt::format(":after {}\n", at + 1);
  }

  static const Argument* find(const Command& command, const std::string& name) {
    for (const Argument& argument : command.arguments) {
      const auto& names = argument.names;
      if (std::find(names.begin(), names.end(), name) != names.end()) return &argument;
    }
    return nullptr;
  }

  std::string option_names(const Command& command) {
    for (const Argument& argument : command.arguments) {
      if (!argument.is_positional) offer({argument.names.back(), argument.meaning});
    }
    return out_ + ":none\n";
  }

  std::string values(const Argument& argument, const std::string& before) {
    const std::string typed = current_.substr(before.size());
    for (const Candidate& candidate : candidates_for(argument, typed))
      offer({before + candidate.text, candidate.meaning});
    switch (argument.kind) {
      case ValueKind::file:
      case ValueKind::allocator:
        return out_ + ":files\n";
      case ValueKind::program:
      case ValueKind::target:
        return out_ + ":commands\n";
      default:
        return out_ + ":none\n";
    }
  }

  void offer(const Candidate& candidate) {
    if (candidate.text.rfind(current_, 0) != 0) return;
    std::string meaning = candidate.meaning.substr(0, candidate.meaning.find('\n'));
    if (meaning.size() > 60) meaning = meaning.substr(0, meaning.rfind(' ', 57)) + " ...";
    out_ += candidate.text + "\t" + meaning + "\n";
  }

  const CLI::App& app_;
  const std::vector<std::string>& words_;
  std::string current_;
  std::string out_;
};

}  // namespace

std::string complete(const CLI::App& app, const std::vector<std::string>& words) {
  return Completion(app, words).answer();
}

}  // namespace strata::tool
