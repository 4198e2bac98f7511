#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <utility>

namespace gainsweep::pipeline {

/// What samples have in common that one program runs.
struct Bucket {
  std::int64_t length = 0;  ///< tokens
  bool weighted = false;    ///< some targets do not count
  std::int64_t scored = 0;  ///< last tokens whose targets are asked about; 0: their mean loss is
  bool packed = false;      ///< sequences that begin alike in one
  auto operator<=>(const Bucket&) const = default;
};

/// Buckets that programs are kept for at once.
inline constexpr std::size_t most_buckets = 8;

/// What is made for each bucket, kept for those that were asked for last.
template <class T>
class ByBucket {
 public:
  /// What `make` gives for the bucket. Stays where it is until `most()` others were asked for.
  template <class Make>
  T& get(const Bucket& bucket, const Make& make) {
    const auto found = std::find_if(made_.begin(), made_.end(),
                                    [&](const auto& entry) { return entry.first == bucket; });
    if (found != made_.end()) {
      made_.splice(made_.end(), made_, found);
      return made_.back().second;
    }
    while (made_.size() >= most_) made_.pop_front();
    made_.emplace_back(bucket, make());
    return made_.back().second;
  }

  std::size_t most() const { return most_; }
  void keep_at_most(std::size_t buckets) { most_ = buckets; }
  bool empty() const { return made_.empty(); }
  /// That of the bucket that was asked for last; there has to be one.
  const T& last() const { return made_.back().second; }
  void clear() { made_.clear(); }

 private:
  std::size_t most_ = most_buckets;
  std::list<std::pair<Bucket, T>> made_;
};

}  // namespace gainsweep::pipeline
