#include <algorithm>
#include <boost/program_options.hpp>
#include <iostream>

#include "archive/decoder.hpp"
#include "base/error.hpp"
#include "base/exception.hpp"
#include "base/log.hpp"
#include "cli/build_info.hpp"
#include "cli/command.hpp"
#include "job/signals.hpp"

namespace gainsweep::cli {
namespace {

namespace po = boost::program_options;

constexpr const char* usage =
    R"(gainsweep decides which operations of a trained network run in 8 bit.

  gainsweep run SPEC --out DIR        measure, solve and evaluate; writes DIR/archive.h5.
                                      The same command continues a run that was stopped.
  gainsweep plan SPEC                 units, time and memory before any work
  gainsweep check SPEC                is the spec right, and what it asks for
  gainsweep show SPEC                 the spec with every default; --graph prints its graphs
  gainsweep solve ARCHIVE SPEC --out NEW
                                      other thresholds or objectives, without the model
  gainsweep status DIR                how far a run is
  gainsweep diff A B                  do two archives agree bit for bit

'gainsweep COMMAND --help' tells a command's options. Several ranks: mpirun --bind-to none -np N.
Exit codes: 0 done, 1 internal or environment, 2 bad input, 3 some units failed, 75 stopped by
SIGUSR1 (the same command goes on).
)";

/// One command's options and what stands without a name.
struct Syntax {
  std::string synopsis;
  std::vector<std::string> positionals;
  po::options_description options{"Options"};
};

po::variables_map parse(Syntax& syntax, const std::vector<std::string>& arguments) {
  po::options_description all;
  all.add(syntax.options);
  po::positional_options_description order;
  for (const auto& name : syntax.positionals) {
    all.add_options()(name.c_str(), po::value<std::string>());
    order.add(name.c_str(), 1);
  }
  po::variables_map values;
  try {
    po::store(po::command_line_parser(arguments).options(all).positional(order).run(), values);
    po::notify(values);
  } catch (const po::error& error) {
    throw Error(ErrorKind::config, std::string(error.what()) + ". Usage: " + syntax.synopsis);
  }
  return values;
}

std::string required(const po::variables_map& values, const std::string& name,
                     const Syntax& syntax) {
  if (values.count(name)) return values[name].as<std::string>();
  const bool positional = std::find(syntax.positionals.begin(), syntax.positionals.end(), name) !=
                          syntax.positionals.end();
  throw Error(ErrorKind::config,
              (positional ? name : "--" + name) + " is missing. Usage: " + syntax.synopsis);
}

std::optional<std::string> given(const po::variables_map& values, const std::string& name) {
  if (!values.count(name)) return std::nullopt;
  return values[name].as<std::string>();
}

bool flag(const po::variables_map& values, const std::string& name) {
  return values.count(name) > 0;
}

// Prints help and is true when it was asked for.
bool helped(const po::variables_map& values, const Syntax& syntax) {
  if (!flag(values, "help")) return false;
  std::cout << "Usage: " << syntax.synopsis << "\n\n" << syntax.options;
  return true;
}

Syntax syntax_of(const std::string& synopsis, std::vector<std::string> positionals) {
  Syntax syntax{synopsis, std::move(positionals)};
  syntax.options.add_options()("help,h", "this text");
  return syntax;
}

std::optional<double> unit_limit(const po::variables_map& values) {
  if (!values.count("unit-limit")) return std::nullopt;
  const double seconds = values["unit-limit"].as<double>();
  if (seconds > 0) return seconds;  // false for NaN
  throw Error(ErrorKind::config, "--unit-limit has to be more than 0 seconds.");
}

constexpr const char* run_notes = R"(
The same command continues a run that was stopped, with any number of ranks. SIGUSR1 to any rank:
all finish their unit and exit with code 75. SIGTERM or SIGINT: finished units are stored at once.
)";

int run_command(int& argc, char**& argv, const std::vector<std::string>& arguments) {
  auto syntax = syntax_of("gainsweep run SPEC --out DIR", {"SPEC"});
  syntax.options.add_options()("out", po::value<std::string>(), "folder of the run's results");
  syntax.options.add_options()("retry-failed", "try units again that failed before")(
      "from", po::value<std::string>(), "archive whose units need not be done again")(
      "unit-limit", po::value<double>(),
      "seconds; a unit that runs longer is stored as failed and the job ends with exit code 1");
  const auto values = parse(syntax, arguments);
  if (helped(values, syntax)) {
    std::cout << run_notes;
    return 0;
  }
  RunOptions options{required(values, "SPEC", syntax), {required(values, "out", syntax)}, {}};
  options.job.retry_failed = flag(values, "retry-failed");
  options.job.unit_limit = unit_limit(values);
  options.donor = given(values, "from");
  options.job.adopts = options.donor.has_value();
  job::catch_signals();
  const parallel::Session session(argc, argv);
  try {
    const auto comm = parallel::Comm::world();
    set_log_rank(comm.rank(), comm.size());
    return run(comm, options);
  } catch (const std::exception& error) {
    // The others may wait in a collective that this rank never reaches.
    log_line("gainsweep: " + message_of(error));
    const auto* known = dynamic_cast<const Error*>(&error);
    parallel::abort(known ? exit_code(known->kind()) : 1);
  }
}

int show_command(const std::vector<std::string>& arguments) {
  auto syntax = syntax_of("gainsweep show SPEC [options]", {"SPEC"});
  syntax.options.add_options()("schema", "the JSON Schema of specs instead")(
      "reference", "every key of specs as Markdown instead")(
      "graph", po::value<std::string>(),
      "print a graph: model, observed, probed, fake_quantized or lowered")(
      "format", po::value<std::string>(), "format of all ops in the last two")(
      "point", po::value<std::size_t>(), "only this point of the spec's sweep, counted from 0")(
      "dot", po::value<std::string>(),
      "write the graph as Graphviz DOT to this file, or to standard output for '-'");
  const auto values = parse(syntax, arguments);
  if (helped(values, syntax)) return 0;
  ShowOptions options;
  options.schema = flag(values, "schema");
  options.reference = flag(values, "reference");
  if (!options.schema && !options.reference) options.spec = required(values, "SPEC", syntax);
  if (flag(values, "point")) options.point = values["point"].as<std::size_t>();
  options.graph = given(values, "graph");
  options.format = given(values, "format");
  options.dot = given(values, "dot");
  return show(options);
}

int plan_command(const std::vector<std::string>& arguments) {
  auto syntax = syntax_of("gainsweep plan SPEC [--json]", {"SPEC"});
  syntax.options.add_options()("json", "as JSON");
  const auto values = parse(syntax, arguments);
  if (helped(values, syntax)) return 0;
  return plan(required(values, "SPEC", syntax), flag(values, "json"));
}

int check_command(const std::vector<std::string>& arguments) {
  auto syntax = syntax_of("gainsweep check SPEC", {"SPEC"});
  const auto values = parse(syntax, arguments);
  return helped(values, syntax) ? 0 : check(required(values, "SPEC", syntax));
}

int solve_command(const std::vector<std::string>& arguments) {
  auto syntax = syntax_of("gainsweep solve ARCHIVE SPEC --out NEW", {"ARCHIVE", "SPEC"});
  syntax.options.add_options()("out", po::value<std::string>(), "archive to write");
  const auto values = parse(syntax, arguments);
  if (helped(values, syntax)) return 0;
  return solve(required(values, "ARCHIVE", syntax), required(values, "SPEC", syntax),
               required(values, "out", syntax));
}

int status_command(const std::vector<std::string>& arguments) {
  auto syntax = syntax_of("gainsweep status DIR [--json] [--follow]", {"DIR"});
  syntax.options.add_options()("json", "as JSON; with --follow one line each time")(
      "follow,f", "again every two seconds until the run is over");
  const auto values = parse(syntax, arguments);
  if (helped(values, syntax)) return 0;
  return status({required(values, "DIR", syntax), flag(values, "json"), flag(values, "follow")});
}

int diff_command(const std::vector<std::string>& arguments) {
  auto syntax = syntax_of("gainsweep diff A B [--measured]", {"A", "B"});
  syntax.options.add_options()("measured", "compare measured contents too");
  const auto values = parse(syntax, arguments);
  if (helped(values, syntax)) return 0;
  return diff(required(values, "A", syntax), required(values, "B", syntax),
              flag(values, "measured"));
}

int dispatch(int& argc, char**& argv) {
  const std::string command = argc > 1 ? argv[1] : "--help";
  const std::vector<std::string> arguments(argv + std::min(argc, 2), argv + argc);
  if (command == "--help" || command == "-h") {
    std::cout << usage;
    return 0;
  }
  if (command == "--version") {
    std::cout << "gainsweep " << program_version << " (" << program_commit << ")\n";
    return 0;
  }
  if (command == "run") return run_command(argc, argv, arguments);
  if (command == "plan") return plan_command(arguments);
  if (command == "check") return check_command(arguments);
  if (command == "show") return show_command(arguments);
  if (command == "solve") return solve_command(arguments);
  if (command == "status") return status_command(arguments);
  if (command == "diff") return diff_command(arguments);
  const auto meant = closest(
      command, {"run", "plan", "check", "show", "solve", "status", "diff", "--help", "--version"});
  throw Error(ErrorKind::config, "there is no command '" + command + "'" +
                                     (meant.empty() ? "" : " (did you mean '" + meant + "'?)") +
                                     ". 'gainsweep --help' lists them.");
}

}  // namespace
}  // namespace gainsweep::cli

int main(int argc, char** argv) {
  gainsweep::archive::serve_if_decoder(argc, argv);
  try {
    return gainsweep::cli::dispatch(argc, argv);
  } catch (const gainsweep::Error& error) {
    gainsweep::log_line(std::string("gainsweep: ") + error.what());
    return gainsweep::exit_code(error.kind());
  } catch (const std::exception& error) {
    gainsweep::log_line("gainsweep: " + gainsweep::message_of(error));
    return 1;
  }
}
