#include "disk/replace.hpp"

#include "../throws.hpp"
#include "calls.hpp"
#include "disk/file.hpp"
#include "folder.hpp"

namespace gainsweep::disk {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

TEST(Replace, LeavesTheNewContentAlone) {
  const Folder folder;
  for (const auto durability : {Durability::lasting, Durability::passing}) {
    folder.write("file", "old");
    replace(folder / "file", "new", durability);
    EXPECT_EQ(read_text(folder / "file"), "new");
    EXPECT_THAT(folder.names(), ElementsAre("file"));
  }
}

TEST(Replace, WaitsForTheDiskWhereItIsToLast) {
  const Folder folder;
  calls::synchronised();
  replace(folder / "file", "passing", Durability::passing);
  EXPECT_THAT(calls::synchronised(), IsEmpty());
  replace(folder / "file", "lasting", Durability::lasting);
  EXPECT_THAT(calls::synchronised(), ElementsAre("", ""));  // the file, write-only, and the folder
}

TEST(NewFile, IsSeenUnderItsNameOnlyWhenCommitted) {
  const Folder folder;
  const std::string text = "content";
  {
    const NewFile dropped(folder / "file", {std::as_bytes(std::span(text))});
    EXPECT_THAT(folder.names(), ElementsAre(StartsWith(".tmp-file-")));
    EXPECT_EQ(read_text(dropped.path()), text);
  }
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(NewFile, AFailingCloseLeavesNothingBehind) {
  const Folder folder;
  calls::fail_close("/.tmp-file-");
  EXPECT_ERROR(NewFile(folder / "file", {}), ErrorKind::environment, "No space left on device");
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(NewFile, FoldersThatAreNotThereAreNamed) {
  const Folder folder;
  EXPECT_ERROR(NewFile(folder / "none/file", {}), ErrorKind::environment, "none/.tmp-file-");
  folder.write("file", "");
  EXPECT_ERROR(make_folder(folder / "file"), ErrorKind::environment, "file cannot be written (");
}

}  // namespace
}  // namespace gainsweep::disk
