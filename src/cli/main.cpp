#include <algorithm>
#include <iostream>

#include "archive/decoder.hpp"
#include "base/error.hpp"
#include "base/exception.hpp"
#include "base/log.hpp"
#include "base/words.hpp"
#include "cli/build_info.hpp"
#include "cli/command.hpp"
#include "cli/log_layout.hpp"
#include "cli/output.hpp"
#include "cli/syntax.hpp"
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
  gainsweep check-device DEVICE       does a device (cpu, hpu, cuda) do its part

'gainsweep help COMMAND' tells a command's options. Several ranks: mpirun --bind-to none -np N.
Exit codes: 0 done, 1 internal or environment, 2 bad input, 3 some units failed, 75 stopped by
SIGUSR1 (the same command goes on).
)";

std::optional<double> unit_limit(const Values& values) {
  if (!values.count("unit-limit")) return std::nullopt;
  const double seconds = values["unit-limit"].as<double>();
  if (seconds > 0) return seconds;  // false for NaN
  throw Error(ErrorKind::config, "--unit-limit has to be more than 0 seconds.");
}

constexpr const char* run_notes = R"(
The same command continues a run that was stopped, with any number of ranks. SIGUSR1 to any rank:
all finish their unit and exit with code 75. SIGTERM or SIGINT: finished units are stored at once.
SPEC may be '-' or /dev/stdin: the first rank reads it.
)";

Syntax run_syntax() {
  auto syntax = syntax_of("gainsweep run SPEC --out DIR", {"SPEC"});
  syntax.options.add_options()("out", po::value<std::string>(), "folder of the run's results");
  add_settings(syntax);
  syntax.options.add_options()("retry-failed", "try units again that failed before")(
      "replace",
      "let the new archive replace one of another spec, which is else kept as "
      "archive-DIGEST.h5")("from", po::value<std::string>(),
                           "archive whose units need not be done again")(
      "unit-limit", po::value<double>(),
      "seconds; a unit that runs longer is stored as failed and the job ends with exit code 1")(
      "quiet,q", "print warnings and errors alone")(
      "log-format", po::value<std::string>()->default_value("text"),
      "text, or json: an object a line with time, level, rank, stage and unit");
  return syntax;
}

void set_up_log(const Values& values) {
  if (flag(values, "quiet")) set_log_level(LogLevel::warning);
  const auto layout = values["log-format"].as<std::string>();
  if (layout == "json")
    set_log_layout(json_line);
  else if (layout != "text")
    throw Error(ErrorKind::config, "--log-format " + unknown_word(layout, {"text", "json"}, ""));
}

int run_on_ranks(const RunOptions& options) {
  try {
    const auto comm = parallel::Comm::world();
    set_log_rank(comm.rank(), comm.size());
    return run(comm, options);
  } catch (const std::exception& error) {
    // The others may wait in a collective that this rank never reaches.
    log_line("gainsweep: " + message_of(error), LogLevel::error);
    const auto* known = dynamic_cast<const Error*>(&error);
    parallel::abort(known ? exit_code(known->kind()) : 1);
  }
}

int run_command(int& argc, char**& argv, const std::vector<std::string>& arguments) {
  const auto syntax = run_syntax();
  const auto values = parse(syntax, arguments);
  if (helped(values, syntax, run_notes)) return 0;
  set_up_log(values);
  RunOptions options{chosen_spec(values, syntax), {required(values, "out", syntax)}, {}};
  options.replaces = flag(values, "replace");
  options.job.retry_failed = flag(values, "retry-failed");
  options.job.unit_limit = unit_limit(values);
  options.donor = given(values, "from");
  options.job.adopts = options.donor.has_value();
  job::catch_signals();
  const parallel::Session session(argc, argv);
  return run_on_ranks(options);
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
  add_settings(syntax);
  const auto values = parse(syntax, arguments);
  if (helped(values, syntax)) return 0;
  ShowOptions options;
  options.schema = flag(values, "schema");
  options.reference = flag(values, "reference");
  if (!options.schema && !options.reference) options.spec = chosen_spec(values, syntax);
  if (flag(values, "point")) options.point = values["point"].as<std::size_t>();
  options.graph = given(values, "graph");
  options.format = given(values, "format");
  options.dot = given(values, "dot");
  return show(options);
}

int plan_command(const std::vector<std::string>& arguments) {
  auto syntax = syntax_of("gainsweep plan SPEC [--ranks N] [--on-device] [--json]", {"SPEC"});
  syntax.options.add_options()("ranks", po::value<int>()->default_value(1),
                               "ranks of one machine that share the work and its memory")(
      "on-device",
      "run pieces of the model on the spec's device to tell times, which a CPU is always asked "
      "for")("json", "as JSON");
  add_settings(syntax);
  const auto values = parse(syntax, arguments);
  if (helped(values, syntax)) return 0;
  const int ranks = values["ranks"].as<int>();
  if (ranks < 1)
    throw Error(ErrorKind::config,
                "--ranks is " + std::to_string(ranks) + ". Give a number of ranks, 1 or more.");
  return plan(
      {chosen_spec(values, syntax), ranks, flag(values, "json"), flag(values, "on-device")});
}

int check_command(const std::vector<std::string>& arguments) {
  auto syntax = syntax_of("gainsweep check SPEC", {"SPEC"});
  add_settings(syntax);
  const auto values = parse(syntax, arguments);
  return helped(values, syntax) ? 0 : check(chosen_spec(values, syntax));
}

int solve_command(const std::vector<std::string>& arguments) {
  auto syntax = syntax_of("gainsweep solve ARCHIVE SPEC --out NEW", {"ARCHIVE", "SPEC"});
  syntax.options.add_options()("out", po::value<std::string>(), "archive to write");
  add_settings(syntax);
  const auto values = parse(syntax, arguments);
  if (helped(values, syntax)) return 0;
  return solve(required(values, "ARCHIVE", syntax), chosen_spec(values, syntax),
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

constexpr const char* check_device_notes = R"(
Prints a line for each check: what passed, failed, or could not be tried, and why. Exit codes: 0 no
check failed, 2 the device is not here or the command line is wrong, 3 some checks failed.
)";

int check_device_command(const std::vector<std::string>& arguments) {
  auto syntax =
      syntax_of("gainsweep check-device DEVICE [--plugin FILE] [--mode MODE]", {"DEVICE"});
  syntax.options.add_options()("plugin", po::value<std::string>(),
                               "of an hpu: the bridge's file, as hpu.plugin")(
      "mode", po::value<std::string>(), "of an hpu: lazy or eager");
  const auto values = parse(syntax, arguments);
  if (helped(values, syntax, check_device_notes)) return 0;
  return check_device(
      {required(values, "DEVICE", syntax), given(values, "plugin"), given(values, "mode")});
}

int execute(int& argc, char**& argv, const std::string& command,
            const std::vector<std::string>& arguments) {
  if (command == "run") return run_command(argc, argv, arguments);
  if (command == "plan") return plan_command(arguments);
  if (command == "check") return check_command(arguments);
  if (command == "show") return show_command(arguments);
  if (command == "solve") return solve_command(arguments);
  if (command == "status") return status_command(arguments);
  if (command == "diff") return diff_command(arguments);
  if (command == "check-device") return check_device_command(arguments);
  const auto meant = closest(command, {"run", "plan", "check", "show", "solve", "status", "diff",
                                       "check-device", "help", "--help", "--version"});
  throw Error(ErrorKind::config, "there is no command '" + command + "'" +
                                     (meant.empty() ? "" : " (did you mean '" + meant + "'?)") +
                                     ". 'gainsweep --help' lists them.");
}

int dispatch(int& argc, char**& argv) {
  std::string command = argc > 1 ? argv[1] : "--help";
  std::vector<std::string> arguments(argv + std::min(argc, 2), argv + argc);
  if (command == "help" && !arguments.empty()) {
    command = arguments.front();
    arguments = {"--help"};
  }
  if (command == "help" || command == "--help" || command == "-h") {
    std::cout << usage;
    return 0;
  }
  if (command == "--version" || command == "-V") {
    std::cout << "gainsweep " << program_version << " (" << program_commit << ")\n";
    return 0;
  }
  return execute(argc, argv, command, arguments);
}

}  // namespace
}  // namespace gainsweep::cli

int main(int argc, char** argv) {
  gainsweep::archive::serve_if_decoder(argc, argv);
  gainsweep::cli::guard_streams();
  try {
    const int code = gainsweep::cli::dispatch(argc, argv);
    gainsweep::cli::finish_output();
    return code;
  } catch (const gainsweep::Error& error) {
    gainsweep::log_line(std::string("gainsweep: ") + error.what(), gainsweep::LogLevel::error);
    return gainsweep::exit_code(error.kind());
  } catch (const std::exception& error) {
    gainsweep::log_line("gainsweep: " + gainsweep::message_of(error), gainsweep::LogLevel::error);
    return 1;
  }
}
