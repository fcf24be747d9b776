// strata completion: what makes a shell complete our command lines.
#include "teach/completion.hpp"

#include <fmt/core.h>

#include "command.hpp"

namespace strata::tool {

void register_completion(CLI::App& app, Context&) {
  auto shell = std::make_shared<std::string>();
  CLI::App* const completion =
      app.add_subcommand("completion", "What makes bash, zsh or fish complete strata's words");
  completion->footer(R"(strata completion bash|zsh|fish

Prints a few lines for the shell, which then asks the command itself: subcommands,
options and their values, processes under Strata, files. `make install` puts them
where shells look by themselves.

  source <(strata completion bash)                            in ~/.bashrc
  source <(strata completion zsh)                             in ~/.zshrc, after compinit
  strata completion fish > ~/.config/fish/completions/strata.fish)");
  completion->add_option("SHELL", *shell, "The shell")
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>{"bash", "zsh", "fish"}));
  completion->callback([shell] { fmt::print("{}", completion_script(*shell)); });
}

}  // namespace strata::tool
