#include "cli/model_digest.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "digest/file_set.hpp"
#include "parallel/agree.hpp"

namespace gainsweep::cli {

using parallel::together;

std::string digest_model(const parallel::Comm& comm, const model::Model& model, int num_threads) {
  const auto node = comm.node();
  std::optional<digest::FileSet> files;
  together(comm,
           [&] { files.emplace(model.digested, digest::Cache(digest::Cache::user_folder())); });
  const auto states = node.gather(files->states());
  const auto known = node.gather(files->known());
  const bool same = std::all_of(states.begin(), states.end(),
                                [&](const auto& of) { return of == states.front(); });
  if (same)
    for (const auto& found : known) files->learn(found);
  const auto part = same ? static_cast<std::size_t>(node.rank()) : 0;
  const auto parts = same ? static_cast<std::size_t>(node.size()) : 1;
  std::string hashed;
  together(comm, [&] { hashed = files->hash(part, parts, num_threads); });
  auto all_hashed = node.gather(hashed);
  if (!same) all_hashed = {std::move(hashed)};
  std::string result;
  together(comm, [&] {
    files->complete(all_hashed, /*remember=*/part == 0);
    result = model::digest(model, files->digests());
  });
  return result;
}

}  // namespace gainsweep::cli
