// SPDX-License-Identifier: Apache-2.0
/*
 * Replays fuzz seeds: calls the fuzzer that this file is linked with once for each file in the
 * folders and files named on the command line. No seed at all is a failure, so that a moved
 * folder cannot pass quietly.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return 0;
    size_t room = (size_t)1 << 20;
    unsigned char *bytes = malloc(room);
    size_t size = bytes == NULL ? 0 : fread(bytes, 1, room, file);
    unsigned char *exact = malloc(size + (size == 0)); // exact, so that ASan sees an overrun

    if (bytes != NULL && exact != NULL) {
        memcpy(exact, bytes, size);
        LLVMFuzzerTestOneInput(exact, size);
    }
    free(exact);
    free(bytes);
    fclose(file);
    return 1;
}

static int replay(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;

    if (dir == NULL)
        return replay_file(path);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char inner[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        count += replay_file(inner);
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    int count = 0;

    for (int i = 1; i < argc; i++)
        count += replay(argv[i]);
    printf("%d seeds replayed\n", count);
    return count == 0;
}
