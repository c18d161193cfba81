// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Why a fill ended without a whole response, for those who waited: what they do next hangs on it.
 */

#include "cache/store.h"

enum store_failure {
    STORE_FAILURE_ORIGIN,  // the origin gave none that was good
    STORE_FAILURE_TIMEOUT, // it gave none in time
    STORE_FAILURE_UNKEPT,  // it gave one that is not kept: those who waited ask for themselves
};

/* Ends the fill like store_fill_fail. What the first such call said of it stays. */
void store_fill_fail_for(
    struct store_fill *fill, struct epoch_reader *reader, enum store_failure failure);

/* Any holder, once the fill's object has failed. */
enum store_failure store_fill_failure(const struct store_fill *fill);
