#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "graph/partition.hpp"

namespace gainsweep::pipeline {

/// A segment of a graph as it is run.
struct Leg {
  graph::Graph graph;               ///< its first input is what the leg before handed on, if any
  std::vector<graph::Op> ops;       ///< of its graph
  std::vector<std::size_t> places;  ///< theirs among the model's
  std::size_t ops_before = 0;       ///< the model's, that the legs before depend on
};

/// A graph in legs.
struct Course {
  std::vector<Leg> legs;  ///< the last one has all outputs
  /// The rows of a large head's weight in blocks, each of which gives a part of the scores from
  /// what the last leg but one hands on; these parts are then the last leg's first inputs. None
  /// where there is no such head. Legs' `ops_before` do not count it.
  std::vector<Leg> head;
};

/// Weights of heads are cut into blocks of so many elements. How a product is cut decides about its
/// last bits: this follows from shapes, never from the memory that there is.
inline constexpr std::int64_t head_block = std::int64_t{1} << 25;

inline constexpr std::int64_t uncut_head = std::numeric_limits<std::int64_t>::max();

/// The course of a graph that ends in class scores, of a model with these ops.
Course course(const graph::Graph& whole, const std::vector<graph::Op>& ops,
              std::int64_t block_elements = head_block);

/// Bytes of the constants that a course holds, such as tables of rotations.
std::size_t constant_bytes(const Course& course);

/// Courses of so many buckets are kept at once: most_buckets, more while their constants are small.
std::size_t courses_kept(const Course& one);

/// By leg, how many legs have its structure; 0 for all but the first of these.
std::vector<std::size_t> times_of(const std::vector<Leg>& legs);

}  // namespace gainsweep::pipeline
