#include "cli/log_layout.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string_view>

namespace gainsweep::cli {
namespace {

constexpr std::string_view program = "gainsweep: ";

std::string time_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = milliseconds / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> date{}, time{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(time.data(), time.size(), "%.20s.%03dZ", date.data(),
                static_cast<int>(milliseconds % 1000));
  return time.data();
}

const char* name(LogLevel level) {
  constexpr const char* names[] = {"info", "warning", "error"};
  return names[static_cast<int>(level)];
}

nlohmann::ordered_json text_or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text);
}

}  // namespace

std::string json_line(const LogEntry& entry) {
  const auto message =
      entry.text.starts_with(program) ? entry.text.substr(program.size()) : entry.text;
  const nlohmann::ordered_json line{{"time", time_now()},
                                    {"level", name(entry.level)},
                                    {"rank", entry.rank},
                                    {"stage", text_or_null(entry.stage)},
                                    {"unit", text_or_null(entry.unit)},
                                    {"message", message}};
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace gainsweep::cli
