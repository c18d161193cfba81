// SPDX-License-Identifier: Apache-2.0
#include "steer/median.h"

#include <assert.h>

enum { SORT_AT_ONCE = 16 };

static void sort(int64_t *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        int64_t value = values[i];
        size_t at = i;

        for (; at > 0 && values[at - 1] > value; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
}

static void swap(int64_t *a, int64_t *b)
{
    int64_t kept = *a;

    *a = *b;
    *b = kept;
}

/*
 * Puts what belongs at `at` of the sorted values there, no more above before it, no less behind it
 * (Hoare's selection). Values arrive in order of the observers' hashes, that is in none, so that
 * the middle one is as good a pivot as any.
 */
static void put_in_place(int64_t *values, size_t count, size_t at)
{
    while (count > SORT_AT_ONCE) {
        int64_t pivot = values[count / 2];
        size_t low = 0, high = count - 1;

        for (;;) {
            while (values[low] < pivot)
                low++;
            while (values[high] > pivot)
                high--;
            if (low >= high)
                break;
            swap(&values[low++], &values[high--]);
        }
        // Before `low` is nothing above the pivot, behind `high` nothing below it.
        if (at < low) {
            count = low;
        } else {
            values += low;
            count -= low;
            at -= low;
        }
    }
    sort(values, count);
}

int64_t median(int64_t *values, size_t count)
{
    size_t middle = count / 2;

    assert(count > 0);
    put_in_place(values, count, middle);
    if (count % 2 != 0)
        return values[middle];
    int64_t below = values[0];

    for (size_t i = 1; i < middle; i++)
        if (values[i] > below)
            below = values[i];
    return (below + values[middle]) / 2;
}
