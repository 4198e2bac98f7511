#pragma once

#include <boost/program_options.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"

/// Command lines: what each command takes, read strictly.
namespace gainsweep::cli {

/// One command's options and what stands without a name.
struct Syntax {
  std::string synopsis;
  std::vector<std::string> positionals;
  boost::program_options::options_description options{"Options"};
};

using Values = boost::program_options::variables_map;

/// A command with the option --help alone.
Syntax syntax_of(const std::string& synopsis, std::vector<std::string> positionals);
/// Adds --set, of commands that read a spec.
void add_settings(Syntax& syntax);

/// The values of a command line. Error(config) naming the option, with the usage.
Values parse(const Syntax& syntax, const std::vector<std::string>& arguments);

/// Prints help, with notes after it, and is true when it was asked for.
bool helped(const Values& values, const Syntax& syntax, const std::string& notes = "");

/// A value that the command cannot do without. Error(config).
std::string required(const Values& values, const std::string& name, const Syntax& syntax);
std::optional<std::string> given(const Values& values, const std::string& name);
bool flag(const Values& values, const std::string& name);
/// The positional SPEC with the values of --set.
SpecChoice chosen_spec(const Values& values, const Syntax& syntax);

}  // namespace gainsweep::cli
