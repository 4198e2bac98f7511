#pragma once

namespace gainsweep::disk {

/// Before any file is opened: a standard stream that is closed leads nowhere from now on, and every
/// use of it fails, so that no file gets its number and what was meant for the stream.
void occupy_closed_streams();

}  // namespace gainsweep::disk
