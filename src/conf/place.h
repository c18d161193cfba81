// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Where in the configuration something was written, for people. */
struct conf_place {
    const char *file;
    int line, column; // from 1, in characters; line 0: the file as a whole
};
