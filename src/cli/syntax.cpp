#include "cli/syntax.hpp"

#include <algorithm>
#include <iostream>

#include "base/error.hpp"

namespace gainsweep::cli {

namespace po = boost::program_options;

Syntax syntax_of(const std::string& synopsis, std::vector<std::string> positionals) {
  Syntax syntax{synopsis, std::move(positionals)};
  syntax.options.add_options()("help,h", "this text");
  return syntax;
}

void add_settings(Syntax& syntax) {
  syntax.options.add_options()(
      "set", po::value<std::vector<std::string>>()->composing()->value_name("KEY=VALUE"),
      "give a key of the spec, by its whole path, this value; may be given again");
}

Values parse(const Syntax& syntax, const std::vector<std::string>& arguments) {
  po::options_description all;
  all.add(syntax.options);
  po::positional_options_description order;
  for (const auto& name : syntax.positionals) {
    all.add_options()(name.c_str(), po::value<std::string>());
    order.add(name.c_str(), 1);
  }
  Values values;
  try {
    po::store(po::command_line_parser(arguments).options(all).positional(order).run(), values);
    po::notify(values);
  } catch (const po::error& error) {
    throw Error(ErrorKind::config, std::string(error.what()) + ". Usage: " + syntax.synopsis);
  }
  return values;
}

bool helped(const Values& values, const Syntax& syntax, const std::string& notes) {
  if (!flag(values, "help")) return false;
  std::cout << "Usage: " << syntax.synopsis << "\n\n" << syntax.options << notes;
  return true;
}

std::string required(const Values& values, const std::string& name, const Syntax& syntax) {
  if (values.count(name)) return values[name].as<std::string>();
  const bool positional = std::find(syntax.positionals.begin(), syntax.positionals.end(), name) !=
                          syntax.positionals.end();
  throw Error(ErrorKind::config,
              (positional ? name : "--" + name) + " is missing. Usage: " + syntax.synopsis);
}

std::optional<std::string> given(const Values& values, const std::string& name) {
  if (!values.count(name)) return std::nullopt;
  return values[name].as<std::string>();
}

bool flag(const Values& values, const std::string& name) {
  return values.count(name) > 0;
}

SpecChoice chosen_spec(const Values& values, const Syntax& syntax) {
  SpecChoice choice{required(values, "SPEC", syntax), {}};
  if (flag(values, "set")) choice.settings = values["set"].as<std::vector<std::string>>();
  return choice;
}

}  // namespace gainsweep::cli
