#include "disk/file.hpp"

#include <sys/stat.h>

#include "../throws.hpp"
#include "disk/mapped_file.hpp"
#include "folder.hpp"

namespace gainsweep::disk {
namespace {

TEST(File, IsReadAsBytesAsTextAndMapped) {
  const Folder folder;
  const std::string content("a\0b\n", 4);
  const auto path = folder.write("file", content);
  EXPECT_EQ(read_text(path), content);
  EXPECT_EQ(read_bytes(path).size(), 4U);
  EXPECT_EQ(MappedFile::open(path).text(), content);
  const auto empty = folder.write("empty", "");
  EXPECT_EQ(read_text(empty), "");
  EXPECT_EQ(MappedFile::open(empty).text(), "");
}

TEST(File, IsReadFromAnywhere) {
  const Folder folder;
  const File file(folder.write("file", "0123456789"));
  EXPECT_EQ(file.length(), 10U);
  std::string some(4, ' ');
  file.read(3, std::as_writable_bytes(std::span(some)));
  EXPECT_EQ(some, "3456");
  EXPECT_ERROR(file.read(7, std::as_writable_bytes(std::span(some))), ErrorKind::input,
               "it became shorter while it was read");
}

TEST(File, WhatIsNoFileIsRefusedByName) {
  const Folder folder;
  const auto missing = folder / "none";
  const auto pipe = folder / "pipe";  // nobody writes to it
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const auto& [path, why] :
       {std::pair(missing, "No such file"), std::pair(folder.path(), "it is not a regular file"),
        std::pair(pipe, "it is not a regular file")}) {
    const std::string message = path.string() + " cannot be read (" + why;
    EXPECT_ERROR(read_text(path), ErrorKind::input, message);
    EXPECT_ERROR(MappedFile::open(path), ErrorKind::input, message);
  }
}

}  // namespace
}  // namespace gainsweep::disk
