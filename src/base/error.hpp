#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace gainsweep {

/// Who must act on an error.
enum class ErrorKind {
  config,       ///< the person who wrote the YAML or the command line
  input,        ///< whoever provides model, token or archive files
  environment,  ///< whoever runs the machine: disk, MPI, device, library
  internal,     ///< the authors of gainsweep
};

/// The one exception type. Message grammar: what is wrong (why it is wrong). What to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// The same error with "context: " before its message, for layers on the way up.
Error with_context(const Error& error, const std::string& context);

/// Process exit code of an error kind: 2 for config and input, 1 for environment and internal.
int exit_code(ErrorKind kind);

/// The candidate closest to `word` by edit distance, or an empty string when none is close enough
/// to be a likely misspelling. For "did you mean" hints.
std::string closest(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace gainsweep
