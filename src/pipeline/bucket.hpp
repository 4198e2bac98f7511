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
  auto operator<=>(const Bucket&) const = default;
};

/// Buckets that programs are kept for at once.
inline constexpr std::size_t most_buckets = 8;

/// What is made for each bucket, kept for those that were asked for last.
template <class T>
class ByBucket {
 public:
  /// What `make` gives for the bucket. Stays where it is until `most_buckets` others were asked
  /// for.
  template <class Make>
  T& get(const Bucket& bucket, const Make& make) {
    const auto found = std::find_if(made_.begin(), made_.end(),
                                    [&](const auto& entry) { return entry.first == bucket; });
    if (found != made_.end()) {
      made_.splice(made_.end(), made_, found);
      return made_.back().second;
    }
    if (made_.size() == most_buckets) made_.pop_front();
    made_.emplace_back(bucket, make());
    return made_.back().second;
  }

  bool empty() const { return made_.empty(); }
  /// That of the bucket that was asked for last; there has to be one.
  const T& last() const { return made_.back().second; }
  void clear() { made_.clear(); }

 private:
  std::list<std::pair<Bucket, T>> made_;
};

}  // namespace gainsweep::pipeline
