#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "archive/samples.hpp"
#include "archive/tokens.hpp"
#include "pipeline/subject.hpp"

namespace gainsweep::pipeline {

/// What lies on a shelf.
struct Shelf::State {
  using Tokens = std::shared_ptr<const archive::TokenStream>;
  /// A token file as a model of a vocabulary reads it.
  struct Text {
    std::filesystem::path file;
    std::int64_t vocabulary;
    auto operator<=>(const Text&) const = default;
  };
  /// A sample file as a loss reads it.
  struct RowsFor {
    std::filesystem::path file;
    const model::Model* model;
    auto operator<=>(const RowsFor&) const = default;
  };

  std::map<std::string, std::shared_ptr<const model::Model>> models;  ///< by what was opened
  std::map<Text, Tokens> tokens;
  std::map<std::filesystem::path, std::shared_ptr<const archive::SampleRows>> rows;
  std::map<std::pair<Text, Windows>, std::shared_ptr<const Samples>> samples;
  std::map<std::pair<RowsFor, Windows>, std::shared_ptr<const Samples>> row_samples;
  ItemsShelf items;
  std::set<std::pair<const Samples*, const Samples*>> disjoint;
  std::map<std::pair<const model::Model*, model::Workload>, std::shared_ptr<const graph::Graph>>
      graphs;
  std::map<std::pair<std::string, std::int64_t>, execute::Environment> environments;
};

/// What a map holds under a key, made if it is not there.
template <class Map, class Make>
typename Map::mapped_type lend(Map& map, const typename Map::key_type& key, const Make& make) {
  const auto found = map.find(key);
  if (found != map.end()) return found->second;
  return map.emplace(key, make()).first->second;
}

template <class T>
std::shared_ptr<const T> share(T value) {
  return std::make_shared<const T>(std::move(value));
}

}  // namespace gainsweep::pipeline
