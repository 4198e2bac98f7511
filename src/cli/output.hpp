#pragma once

namespace gainsweep::cli {

/// Before anything else: a standard stream that is closed leads nowhere, so that no file that is
/// opened later takes its place, and writing to a pipe that nobody reads is an error like others.
void guard_streams();

/// Hands on what was printed to standard output. Error(environment) saying why when not all of it
/// arrived: the disk is full, or nobody reads it any more.
void finish_output();

}  // namespace gainsweep::cli
