#include "execute/hpu_plugin.hpp"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/detail/HPUHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "digest/digest.hpp"
#include "execute/libtorch_folder.hpp"

namespace gainsweep::execute {
namespace {

namespace fs = std::filesystem;

constexpr const char* recipes_variable = "PT_HPU_RECIPE_CACHE_CONFIG";
constexpr const char* host_variable = "PT_HPU_PLACE_ON_CPU";

/// An operator of the bridge with the arguments that programs give it.
struct Needed {
  const char* name;
  const char* overload;
  std::vector<std::string> arguments;
};

const std::vector<Needed>& needed_operators() {
  static const std::vector<Needed> all{
      {"hpu::cast_to_fp8_v2",
       "scalar",
       {"input", "scale", "stochastic_rounding", "is_amax", "dtype"}},
      {"hpu::fp8_gemm_v2",
       "scalar",
       {"A", "trans_A", "B", "trans_B", "D", "out_dtype", "A_scale_inv", "B_scale_inv", "bias"}}};
  return all;
}

std::string variable(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

/// Where pip puts the bridge: habana_frameworks beside the torch in use.
fs::path installed_folder() {
  const auto libraries = fs::weakly_canonical(libtorch_folder());  // …/torch/lib
  return libraries.parent_path().parent_path() / "habana_frameworks/torch/lib";
}

/// The bridge's own names; the second is built for PyTorch as it is, not for Intel's fork.
std::vector<std::string> file_names(HpuMode mode) {
  const std::string stem =
      mode == HpuMode::lazy ? "libhabana_pytorch_plugin" : "libhabana_pytorch2_plugin";
  return {stem + ".so", stem + ".upstream.so"};
}

std::vector<fs::path> candidates(const HpuSettings& settings) {
  if (settings.plugin) return {*settings.plugin};
  std::vector<fs::path> found;
  for (const auto& name : file_names(settings.mode))
    if (fs::exists(installed_folder() / name)) found.push_back(installed_folder() / name);
  return found;
}

/// The recipes' folder of this process unless the user named one: what is compiled is counted
/// there.
class RecipeFolder {
 public:
  RecipeFolder() {
    const auto given = variable(recipes_variable);
    if (!given.empty()) {
      path_ = given.substr(0, given.find(','));
      return;
    }
    path_ = fs::temp_directory_path() / ("gainsweep-recipes-" + std::to_string(getpid()));
    is_own_ = fs::create_directories(path_);
    setenv(recipes_variable, (path_.string() + ",true,4096").c_str(), 1);
  }
  RecipeFolder(const RecipeFolder&) = delete;
  RecipeFolder& operator=(const RecipeFolder&) = delete;
  ~RecipeFolder() {
    std::error_code ignored;
    if (is_own_) fs::remove_all(path_, ignored);
  }

  std::int64_t count() const {
    std::error_code ignored;
    std::set<fs::path> recipes;  // each is some files of one name
    for (const auto& file : fs::directory_iterator(path_, ignored))
      recipes.insert(file.path().stem());
    return static_cast<std::int64_t>(recipes.size());
  }

 private:
  fs::path path_;
  bool is_own_ = false;
};

/// What a process has opened.
struct Opened {
  fs::path file;
  RecipeFolder recipes{};
};

std::unique_ptr<Opened>& opened() {
  static std::unique_ptr<Opened> only;
  return only;
}

void set_environment(HpuMode mode) {
  setenv("PT_HPU_LAZY_MODE", mode == HpuMode::lazy ? "1" : "0", 1);
  setenv("PT_HPU_INFERENCE_MODE", "1", 0);
  // The bridge reads it once a process, so it holds for all stages: nothing runs on the host in
  // silence, but for what the user names.
  setenv(host_variable, "none", 0);
}

std::string names_of(const std::vector<c10::Argument>& arguments, std::size_t most) {
  std::vector<std::string> names;
  for (const auto& argument : arguments)
    if (names.size() < most) names.push_back(argument.name());
  return join(names);
}

std::vector<std::string> lacking() {
  std::vector<std::string> all;
  if (!c10::impl::hasDeviceGuardImpl(at::kHPU)) all.push_back("a device guard");
  if (!at::detail::getHPUHooks().hasHPU())
    all.push_back("hooks (HPUHooks), without which nothing has a gradient");
  for (const auto& needed : needed_operators()) {
    const auto full = std::string(needed.name) + "." + needed.overload;
    const auto op = c10::Dispatcher::singleton().findSchema({needed.name, needed.overload});
    if (!op) {
      all.push_back("the operator " + full);
      continue;
    }
    const auto names = names_of(op->schema().arguments(), needed.arguments.size());
    if (names != join(needed.arguments))
      all.push_back(full + " with arguments " + join(needed.arguments) + " (it takes " + names +
                    ")");
  }
  return all;
}

/// The first file that opens.
fs::path open_first(const std::vector<fs::path>& files) {
  std::vector<std::string> reasons;
  for (const auto& file : files) {
    if (dlopen(fs::absolute(file).c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr) return file;
    reasons.emplace_back(dlerror());
  }
  throw Error(
      ErrorKind::environment,
      "the Gaudi plug-in cannot be opened (" + join(reasons, "; ") +
          "). It must be made for the LibTorch in use: build inside Intel's image, with its "
          "PyTorch");
}

std::string driver_version() {
  std::ifstream file("/sys/module/habanalabs/version");
  std::string version;
  file >> version;
  return version;
}

}  // namespace

std::string missing_plugin(const HpuSettings& settings) {
  if (opened() != nullptr || !candidates(settings).empty()) {
    if (opened() == nullptr && settings.plugin && !fs::exists(*settings.plugin))
      return "hpu.plugin names " + settings.plugin->string() + ", which is not there";
    return "";
  }
  return "no " + join(file_names(settings.mode), " or ") + " in " + installed_folder().string() +
         ", where habana_frameworks lies beside the LibTorch in use; hpu.plugin may name one";
}

void open_plugin(const HpuSettings& settings) {
  if (opened() != nullptr) return;
  set_environment(settings.mode);
  auto made = std::make_unique<Opened>();
  made->file = open_first(candidates(settings));
  if (const auto all = lacking(); !all.empty())
    throw Error(ErrorKind::environment,
                "the Gaudi plug-in " + made->file.string() + " lacks " + join(all, "; ") +
                    ". Programs were written for the bridge 1.19 and later: see docs/devices.md");
  opened() = std::move(made);
}

std::string plugin_software() {
  const auto& file = opened()->file;
  const auto driver = driver_version();
  return file.filename().string() + " " + digest::of_file(file).substr(0, 16) +
         (driver.empty() ? "" : ", driver " + driver);
}

std::string allowed_on_host() {
  const auto allowed = variable(host_variable);
  return allowed.empty() ? "anything" : allowed;
}

std::int64_t compiled_graphs() {
  return opened()->recipes.count();
}

}  // namespace gainsweep::execute
