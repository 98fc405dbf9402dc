/* replay.c - plays a corpus through a fuzz target, as an ordinary test.
 *
 * Arguments: folders and files. Every file is played whole and cut at each of its bytes, in memory
 * of exactly its size, so that a sanitizer sees a read behind the end. */
#include "fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define CUT_MAX 2048 /* of longer files only the first cuts are played */

static size_t played;

static void play(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    require(exact);
    if (size)
        memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    played++;
}

static void play_file(const char *path, off_t size)
{
    size_t n = (size_t)size;
    uint8_t *data = malloc(n + 1);
    FILE *file = fopen(path, "rb");
    if (!data || !file || fread(data, 1, n, file) != n) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    fclose(file);
    for (size_t cut = 0; cut < n && cut < CUT_MAX; cut++)
        play(data, cut);
    play(data, n);
    free(data);
}

static void play_path(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    if (S_ISREG(info.st_mode)) {
        play_file(path, info.st_size);
        return;
    }
    DIR *folder = opendir(path);
    require(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[PATH_MAX];
        int n = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        require(n > 0 && (size_t)n < sizeof name);
        if (entry->d_name[0] != '.')
            play_path(name);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        play_path(argv[i]);
    printf("%zu inputs\n", played);
    return played > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
