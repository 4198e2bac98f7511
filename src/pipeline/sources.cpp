#include "pipeline/sources.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "pipeline/row_samples.hpp"

namespace gainsweep::pipeline {
namespace {

using State = Shelf::State;
using Shared = std::shared_ptr<const Samples>;

// Samples of one use with what they are called.
struct Use {
  const char* name;
  const Samples& samples;
};

void refuse_overlap(State& shelf, const Use& earlier, const Use& later, const std::string& key) {
  if (!shelf.disjoint.emplace(&earlier.samples, &later.samples).second) return;
  for (std::size_t l = 0; l < later.samples.set.size(); ++l)
    for (std::size_t e = 0; e < earlier.samples.set.size(); ++e)
      if (later.samples.set.digests[l] == earlier.samples.set.digests[e]) {
        shelf.disjoint.erase({&earlier.samples, &later.samples});
        throw Error(ErrorKind::config, later.name + (" sample " + std::to_string(l)) + " is " +
                                           earlier.name + " sample " + std::to_string(e) +
                                           " (measured errors of samples the plan was made from "
                                           "say nothing). Give evaluate." +
                                           key + " others.");
      }
}

// Where the samples of a point are from: files of one kind, and how samples of them are taken.
struct Source {
  std::string key;  // of the spec
  std::filesystem::path calibration;
  std::optional<std::filesystem::path> evaluation;
  std::function<Shared(const std::filesystem::path& file, const Windows& windows)> take;
};

void take_all(Subject& subject, State& shelf, const Source& source) {
  const auto& calibration = subject.spec.calibration;
  const auto& evaluate = subject.spec.evaluate;
  std::error_code ignored;
  const bool own_file = source.evaluation && !std::filesystem::equivalent(
                                                 *source.evaluation, source.calibration, ignored);
  const auto take = [&](const auto& file, const Windows& windows, const std::string& use) {
    try {
      return source.take(file, windows);
    } catch (const Error& error) {
      throw with_context(error, file.string() + ": " + use);
    }
  };
  Windows windows{calibration.length, 0, calibration.samples};
  const auto count = std::to_string(calibration.samples);
  subject.calibration = take(source.calibration, windows, count + " calibration samples");
  windows.count = evaluate.samples;
  auto use = std::to_string(evaluate.samples) + " evaluation samples";
  if (!own_file) {
    windows.first = calibration.samples;
    use = count + " calibration and " + use;
  }
  const auto& file = own_file ? *source.evaluation : source.calibration;
  subject.evaluation = take(file, windows, use);
  windows.first += windows.count;
  windows.count = subject.spec.solve.search_samples;
  subject.search =
      take(file, windows, use + " and " + std::to_string(windows.count) + " search samples");
  const Use scored{"calibration", *subject.calibration},
      evaluated{"evaluation", *subject.evaluation}, searched{"search", *subject.search};
  refuse_overlap(shelf, scored, evaluated, source.key);
  refuse_overlap(shelf, scored, searched, source.key);
  refuse_overlap(shelf, evaluated, searched, source.key);
}

// The vocabulary of a model that samples of tokens can be given to.
std::int64_t vocabulary(const model::Model& model) {
  const auto* tokens = model.input("tokens");
  if (tokens == nullptr)
    throw Error(ErrorKind::config, "model.checkpoint is of the family " + model.name +
                                       ", which takes no tokens (calibration.tokens has nothing "
                                       "else). Give a language model.");
  return tokens->bound;
}

// Reads those of the files that are not on the shelf, all at once.
void read_tokens(State& shelf, std::vector<archive::TokenFile> files) {
  std::erase_if(files, [&](const auto& file) {
    return shelf.tokens.contains({file.path, file.vocabulary});
  });
  if (files.empty()) return;
  auto tokens = archive::read_tokens(files);
  for (std::size_t i = 0; i < files.size(); ++i)
    shelf.tokens[{files[i].path, files[i].vocabulary}] = share(std::move(tokens[i]));
}

void open_language_model(Subject& subject, State& shelf, model::Weights weights) {
  const auto& spec = subject.spec;
  const auto& folder = spec.model.checkpoint.value();
  subject.model =
      lend(shelf.models, folder.string(), [&] { return share(model::open(folder, weights)); });
  const auto words = vocabulary(*subject.model);
  const Source source{"tokens", spec.calibration.tokens.value(), spec.evaluate.tokens,
                      [&shelf, words](const auto& file, const Windows& windows) {
                        const auto& tokens = shelf.tokens.at({file, words});
                        return lend(shelf.samples, {{file, words}, windows},
                                    [&] { return share(cut(tokens, windows)); });
                      }};
  std::vector<archive::TokenFile> files{{source.calibration, words}};
  if (source.evaluation) files.push_back({*source.evaluation, words});
  read_tokens(shelf, files);
  take_all(subject, shelf, source);
  subject.tasks = open_tasks(spec, *subject.model, words, shelf.items);
}

void read_rows(State& shelf, std::vector<std::filesystem::path> files) {
  std::erase_if(files, [&](const auto& file) { return shelf.rows.contains(file); });
  if (files.empty()) return;
  auto rows = archive::read_samples(files);
  for (std::size_t i = 0; i < files.size(); ++i) shelf.rows[files[i]] = share(std::move(rows[i]));
}

void check_same_inputs(const archive::SampleRows& calibration,
                       const archive::SampleRows& evaluation, const Source& source) {
  if (row_shapes(calibration) == row_shapes(evaluation)) return;
  throw Error(ErrorKind::input, source.evaluation->string() +
                                    ": samples have other inputs, or rows of other sizes, than " +
                                    source.calibration.string() +
                                    " (one model reads both). Make them alike.");
}

void open_exported_model(Subject& subject, State& shelf) {
  auto& spec = subject.spec;
  const auto& loss = exported::losses().at(spec.model.loss);
  Source source{"inputs", spec.calibration.inputs.value(), spec.evaluate.inputs, {}};
  std::vector<std::filesystem::path> files{source.calibration};
  if (source.evaluation) files.push_back(*source.evaluation);
  read_rows(shelf, files);
  const auto& rows = *shelf.rows.at(source.calibration);
  if (source.evaluation) check_same_inputs(rows, *shelf.rows.at(*source.evaluation), source);
  const auto& file = spec.model.exported.value();
  const auto opened = file.string() + "\n" + loss.name + "\n" + source.calibration.string();
  subject.model = lend(shelf.models, opened,
                       [&] { return share(exported::open_model(file, loss, row_shapes(rows))); });
  source.take = [&shelf, &loss, &model = *subject.model](const auto& from, const Windows& windows) {
    return lend(shelf.row_samples, {{from, &model}, windows}, [&] {
      return share(gather(shelf.rows.at(from), loss, model, windows.first, windows.count));
    });
  };
  take_all(subject, shelf, source);
  std::int64_t most = 1;
  for (const auto& bucket : subject.calibration->buckets) most = std::max(most, bucket.length);
  spec.calibration.length = most;
}

}  // namespace

void open_sources(Subject& subject, State& shelf, model::Weights weights) {
  if (subject.spec.model.exported) return open_exported_model(subject, shelf);
  open_language_model(subject, shelf, weights);
}

}  // namespace gainsweep::pipeline
