// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What files that must survive a power cut need, and the kernel does only in part. Blocks: on the
 * pool, or at the start. */

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

/* Writes all of it at this place; on error anything may be there. */
[[nodiscard]] enum err file_write(int fd, struct slice bytes, uint64_t at);

/* Reads until the room is full or the file ends; *length: how much that was. */
[[nodiscard]] enum err file_read(
    int fd, char *room, size_t room_bytes, uint64_t at, size_t *length);

/* Brings to the disk which names there are in the folder that the file is in; else a power cut may
 * undo that it was made or renamed. */
[[nodiscard]] enum err file_sync_folder(const char *path);
