#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <new>
#include <random>
#include <span>

#include "archive/archive.hpp"
#include "archive/layout.hpp"
#include "base/error.hpp"
#include "sample.hpp"
#include "unit/throws.hpp"

namespace gainsweep::archive {
namespace {

using sample::Folder;
using sample::put_byte;
using sample::seal_size;

char flipped(const std::string& bytes, std::size_t place) {
  return static_cast<char>(bytes[place] ^ (1 << (place % 8)));
}

TEST(Damage, EveryFlippedByteIsRefused) {
  const Folder folder;
  write(folder / "a.h5", sample::small());
  const std::string bytes = sample::file_bytes(folder / "a.h5");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    put_byte(folder / "a.h5", i, flipped(bytes, i));
    EXPECT_ERROR(read(folder / "a.h5"), ErrorKind::input, "a.h5") << "byte " << i;
    put_byte(folder / "a.h5", i, bytes[i]);
  }
  EXPECT_NO_THROW(read(folder / "a.h5"));
}

TEST(Damage, SampledFlipsOfALargerArchiveAreRefused) {
  const Folder folder;
  Contents contents = sample::small();
  std::vector<double> numbers(100000);
  std::mt19937_64 generator(1);
  for (double& number : numbers) number = static_cast<double>(generator());
  contents.tables.push_back({"zz",
                             "Numbers",
                             Nature::deterministic,
                             {{"x", numbers, {100000}, "1", "Numbers", {"place"}}}});
  write(folder / "a.h5", contents);
  const std::string bytes = sample::file_bytes(folder / "a.h5");
  for (int draw = 0; draw < 200; ++draw) {
    const std::size_t i = generator() % bytes.size();
    put_byte(folder / "a.h5", i, flipped(bytes, i));
    EXPECT_ERROR(read(folder / "a.h5"), ErrorKind::input, "a.h5") << "byte " << i;
    put_byte(folder / "a.h5", i, bytes[i]);
  }
}

TEST(Damage, TruncatedFilesAreRefused) {
  const Folder folder;
  write(folder / "a.h5", sample::small());
  for (std::size_t size = std::filesystem::file_size(folder / "a.h5"); size-- > 0;) {
    std::filesystem::resize_file(folder / "a.h5", size);
    EXPECT_ERROR(read(folder / "a.h5"), ErrorKind::input, "a.h5") << size << " bytes";
    if (size > 1100) size -= 96;
  }
  write(folder / "a.h5", sample::small());
  std::ofstream(folder / "a.h5", std::ios::app) << 'x';
  EXPECT_ERROR(read(folder / "a.h5"), ErrorKind::input, "a.h5");
}

/// "" if the image is refused as bad input or decodes to `expected`, else what is wrong.
std::string refused_or_equal(const std::string& image, const Contents& expected) {
  try {
    return sample::all_differences(expected, decode(std::as_bytes(std::span(image)), archive_kind));
  } catch (const Error& error) {
    return error.kind() == ErrorKind::input ? "" : error.what();
  }
}

constexpr std::size_t stride = 23;  // all bytes take two minutes
constexpr int wrong_status = 2;     // sanitizers end a crash with others

/// Decodes the image with a byte flipped, from `place` on in steps; `place` keeps up. Exit status
/// `wrong_status` at the first that is neither refused nor equal.
[[noreturn]] void decode_flipped(std::string image, const Contents& expected,
                                 std::atomic<std::size_t>& place) {
  for (; place < image.size(); place += stride) {
    const char before = image[place];
    image[place] = flipped(image, place);
    ::alarm(2);  // a library that hangs ends like one that crashes
    if (const std::string wrong = refused_or_equal(image, expected); !wrong.empty()) {
      std::fprintf(stderr, "byte %zu: %s\n", place.load(), wrong.c_str());
      ::_exit(wrong_status);
    }
    image[place] = before;
  }
  ::_exit(0);
}

/// Without the seal the digests of the objects alone must find what is wrong. The HDF5 library may
/// crash on such files (1.10.8 does, hence the seal), so that children do the work.
TEST(Damage, WithoutTheSealNothingWrongIsEverReturned) {
  const Folder folder;
  const Contents contents = sample::small();
  write(folder / "a.h5", contents);
  const std::string image = sample::file_bytes(folder / "a.h5").substr(seal_size);
  void* shared = ::mmap(nullptr, sizeof(std::atomic<std::size_t>), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  auto& place = *new (shared) std::atomic<std::size_t>(0);
  std::size_t num_crashes = 0;
  for (; place < image.size(); place += stride) {
    const pid_t child = ::fork();
    if (child == 0) decode_flipped(image, contents, place);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == wrong_status) << "byte " << place;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) break;
    ++num_crashes;
  }
  RecordProperty("hdf5_crashes", static_cast<int>(num_crashes));
  ::munmap(shared, sizeof(std::atomic<std::size_t>));
}

}  // namespace
}  // namespace gainsweep::archive
