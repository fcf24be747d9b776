// Recordings as the page's document. See recordings.hpp.
#include "report/recordings.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <fstream>

#include "observe/trouble.hpp"
#include "observe/words.hpp"
#include "profile/read_pprof.hpp"
#include "report/page.hpp"

namespace strata::tool {

Recording kind_of(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return Recording::none;
  std::ifstream file(path, std::ios::binary);
  std::string first(8, '\0');
  file.read(first.data(), std::streamsize(first.size()));
  if (first == "STATRACE") return Recording::trace;
  if (first.starts_with("\x1f\x8b")) return Recording::profile;
  return first.starts_with('{') ? Recording::run : Recording::none;
}

Json document_of_run(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Trouble("cannot read {}", path);
  const Json run = Json::parse(file, nullptr, false);
  if (run.is_discarded() || !run.contains("samples") || !run.contains("program")) {
    throw Trouble("{} is not what `strata run --json` writes", path);
  }
  std::string command;
  for (const Json& word : run["program"]) command += word.get<std::string>() + " ";
  Json document = {{"title", run["program"][0]}, {"samples", run["samples"]}};
  document["facts"] = {command};
  if (run.contains("at_peak")) document["statistics"] = run["at_peak"];
  document["unknown"] = {
      "The heap slot by slot, who allocated, and what stands out: `strata report -- PROGRAM` looks "
      "at these while the program runs."};
  return document;
}

Json document_of_profile(const std::string& path) {
  const HeapProfile profile = read_pprof(path);
  const std::string file = std::filesystem::path(path).filename();
  Json document = {{"title", profile.command.empty() ? file : profile.command}};
  document["facts"] = {fmt::format(
      "A heap profile{}.",
      profile.milliseconds == 0 ? "" : " that covers " + time_words(profile.milliseconds))};
  View first = View::allocated;
  for (const View view : {View::live, View::peak}) {
    for (const ProfileSample& sample : profile.samples) {
      if (amount_of(sample, view).bytes > 0) first = view;
    }
  }
  const std::string rate =
      profile.mean > 1 ? fmt::format(", one in {}", size_words(double(profile.mean))) : "";
  document["profile"] = profile_document(
      profile, first, fmt::format("Estimated from the samples in {}{}.", file, rate));
  return document;
}

Json document_of_all(const std::vector<Json>& documents, const std::vector<std::string>& paths) {
  Json page = documents[0];
  for (size_t i = 1; i < documents.size(); ++i) {
    for (const auto& [name, part] : documents[i].items()) {
      if (name == "title") continue;
      if (name != "facts" && name != "unknown") {
        // Whole stacks say more than single calls.
        if (part.contains("single_calls") && page.contains(name)) continue;
        if (page.contains(name) && !page[name].contains("single_calls")) {
          throw Trouble("{} tells of the same as what stands before it", paths[i]);
        }
        page[name] = part;
        continue;
      }
      for (const Json& sentence : part) page[name].push_back(sentence);
    }
  }
  if (!page.contains("samples")) {
    page["unknown"].push_back(
        "What is resident, and the heap behind it: a profile knows who allocated and who held, as "
        "far as that was sampled.");
  }
  if (!page.contains("profile")) {
    page["facts"].push_back(
        "No call sites: a trace has them with `strata record --sites`, or name a profile as well "
        "(strata profile -o heap.pb.gz -- PROGRAM).");
  }
  return page;
}

}  // namespace strata::tool
