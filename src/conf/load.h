// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * From configuration files to a network, or to the list of all that is wrong with them.
 *
 * The steps: files are parsed into one tree (conf/yaml.h), `include` adds files to it, the tables
 * give the tree its types (conf/schema.h, conf/settings.h), and what no table can say is checked
 * while the network is made (conf/build.h). Nothing global is touched: a load that fails leaves
 * the world, and the network that is being served, as they were.
 *
 * Reads files and nothing else: names are not looked up, files named by settings are not opened.
 */

#include "base/slice.h"
#include "conf/errors.h"
#include "conf/network.h"

enum {
    CONF_FILE_BYTES_MAX = 16 << 20,
    CONF_FILES_MAX = 10000,
    CONF_INCLUDE_DEPTH_MAX = 8,
};

/*
 * The network that the file at `path` describes; the caller frees it with network_free. NULL when
 * anything is wrong: then `errors` (initialised by the caller) has at least one more error, sorted.
 */
[[nodiscard]] struct network *conf_load_file(const char *path, struct conf_errors *errors);

/*
 * The same from what a network was loaded from before (network.history.texts), the file that was
 * asked for first: nothing is opened. Includes find what they found then. The serial is 1.
 */
[[nodiscard]] struct network *conf_load_texts(
    const struct conf_text *texts, size_t count, struct conf_errors *errors);

/*
 * The same from memory, for tests and for networks made up by the program; `name` stands for the
 * file in errors. `include` is refused, and the serial is 1.
 */
[[nodiscard]] struct network *conf_load_text(
    const char *name, struct slice text, struct conf_errors *errors);

/*
 * Where the nodes of the file at `path` keep their state, told also of a file that is wrong in
 * other places, so that a node which runs by an older one is found. The caller frees it by
 * mem_free. NULL: it cannot be read that far.
 */
[[nodiscard]] char *conf_file_state(const char *path);
