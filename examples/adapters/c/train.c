/* k nearest neighbours as an ML Experiment Hub adapter (protocol 1), in C11 and POSIX.
 *
 * Argument: the run directory. The number of neighbours is chosen by leave-one-out on
 * the training rows, a point of the curve per number. There is no state between steps
 * worth a checkpoint, so this adapter does not resume: it is started again. Distances
 * are over all rows; for more than some ten thousand, use an index instead. */
#define _POSIX_C_SOURCE 200809L

#include <math.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "json.h"

enum { EXIT_FAILED = 1, EXIT_PARAM = 64, EXIT_DATASET = 65, EXIT_UNSUPPORTED = 69 };
enum { RUN_VERSION = 1, MOST_NEIGHBOURS = 1000, MESSAGE_SIZE = 1024 };

/* A split as numbers and classes. */
struct table {
    size_t rows, columns;
    char **names;  /* of columns */
    double *x;     /* [rows][columns] */
    char **y;      /* a class per row */
    char **ids;    /* the id column's cells; NULL when there is none */
};

/* What the training split taught. */
struct model {
    struct table data;
    char **classes;
    size_t class_count;
    size_t *labels; /* class numbers of the rows */
    double *center, *scale;
    size_t neighbours;
};

struct neighbour {
    double distance;
    size_t row;
};

static const char *run_dir;
static const struct json *run_file;

static char *joined(const char *folder, const char *name) {
    char *path = json_grown(NULL, strlen(folder) + strlen(name) + 2);
    sprintf(path, "%s/%s", folder, name);
    return path;
}

static FILE *opened(const char *path, const char *mode) {
    FILE *file = fopen(path, mode);
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILED);
    }
    return file;
}

static void closed(FILE *file) {
    if (ferror(file) || fclose(file) != 0) {
        perror("a file cannot be written");
        exit(EXIT_FAILED);
    }
}

static FILE *events(void) { return opened(joined(run_dir, "events/main.jsonl"), "a"); }

/* Ends with an error event; `field` may be NULL. */
static _Noreturn void refuse(int code, const char *field, const char *format, ...) {
    char message[MESSAGE_SIZE];
    va_list values;
    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    FILE *out = events();
    fputs("{\"error\": {\"field\": ", out);
    if (field == NULL) fputs("null", out);
    else json_quote(out, field);
    fputs(", \"message\": ", out);
    json_quote(out, message);
    fputs("}}\n", out);
    closed(out);
    fprintf(stderr, "%s\n", message);
    exit(code);
}

/* Opens the unfinished form of a file; `finish` gives it its name, so that a reader
 * sees all of it or nothing. */
static FILE *begin(const char *name) {
    char *path = joined(run_dir, name);
    return opened(strcat(json_grown(path, strlen(path) + 9), ".partial"), "w");
}

static void finish(FILE *file, const char *name) {
    char *whole = joined(run_dir, name), *partial = joined(run_dir, name);
    partial = strcat(json_grown(partial, strlen(partial) + 9), ".partial");
    closed(file);
    if (rename(partial, whole) != 0) {
        perror(whole);
        exit(EXIT_FAILED);
    }
}

static char *whole_file(const char *path) {
    FILE *file = opened(path, "r");
    char *text = NULL;
    size_t size = 0, got;
    do {
        text = json_grown(text, size + 65537);
        got = fread(text + size, 1, 65536, file);
        size += got;
    } while (got > 0);
    closed(file);
    text[size] = '\0';
    return text;
}

/* Cuts a CSV record in place (RFC 4180); returns where the next begins. Quoted cells
 * may hold commas, quotes and line ends. `*cells` grows as needed. */
static char *record(char *at, char ***cells, size_t *count) {
    *count = 0;
    for (;;) {
        char *out = at, *begins = at;
        int quoted = 0;
        for (; *at != '\0' && (quoted || (*at != ',' && *at != '\n')); at++) {
            if (*at != '"') *out++ = *at;
            else if (quoted && at[1] == '"') *out++ = *at++;
            else quoted = !quoted;
        }
        char ended = *at;
        if (ended != ',' && out > begins && out[-1] == '\r') out--;
        *out = '\0';
        *cells = json_grown(*cells, (*count + 1) * sizeof **cells);
        (*cells)[(*count)++] = begins;
        if (ended != '\0') at++;
        if (ended != ',') return at;
    }
}

static size_t position(char **names, size_t count, const char *name) {
    size_t at = 0;
    while (at < count && strcmp(names[at], name) != 0) at++;
    return at;
}

static double number(const char *cell, size_t row, const char *split, const char *column) {
    char *end;
    double value = strtod(cell, &end);
    end += strspn(end, " ");
    if (end == cell || *end != '\0' || !isfinite(value))
        refuse(EXIT_DATASET, NULL, "row %zu of split %s has no finite number in column %s", row, split, column);
    return value;
}

/* Which cells of a record are what. */
struct layout {
    size_t width, target, id;
    size_t *columns;
};

/* Finds the columns of a split; with `names`, those of the training split in that order. */
static struct layout laid_out(struct table *table, char **header, size_t width, const char *split) {
    const struct json *dataset = json_get(run_file, "dataset");
    const char *target = json_text(dataset, "target"), *id = json_text(dataset, "id");
    struct layout layout = {width, position(header, width, target), width, NULL};
    if (id != NULL) layout.id = position(header, width, id);
    if (layout.target == width || (id != NULL && layout.id == width))
        refuse(EXIT_DATASET, NULL, "split %s lacks the target or the id column", split);
    if (table->names == NULL) {
        table->names = json_grown(NULL, width * sizeof *table->names);
        for (size_t i = 0; i < width; i++) {
            if (i != layout.target && i != layout.id) table->names[table->columns++] = header[i];
        }
    }
    if (table->columns == 0) refuse(EXIT_DATASET, NULL, "split %s has no column but the target", split);
    layout.columns = json_grown(NULL, table->columns * sizeof *layout.columns);
    for (size_t j = 0; j < table->columns; j++) {
        layout.columns[j] = position(header, width, table->names[j]);
        if (layout.columns[j] == width) refuse(EXIT_DATASET, NULL, "split %s has no column %s", split, table->names[j]);
    }
    return layout;
}

/* Reads a split. A bad row is told by its number, never by its content. */
static struct table read_split(const char *split, const struct table *like) {
    struct table table = {0};
    const char *path = json_text(json_get(json_get(json_get(run_file, "dataset"), "splits"), split), "path");
    if (path == NULL) refuse(EXIT_DATASET, NULL, "run.json names no split %s", split);
    if (like != NULL) {
        table.names = like->names;
        table.columns = like->columns;
    }
    char **cells = NULL;
    size_t width, count, room = 0;
    char *at = record(whole_file(path), &cells, &width);
    struct layout layout = laid_out(&table, cells, width, split);
    while (*at != '\0') {
        at = record(at, &cells, &count);
        if (count == 1 && *cells[0] == '\0') continue;
        size_t row = table.rows++;
        if (count != width) refuse(EXIT_DATASET, NULL, "row %zu of split %s has not as many cells as the header", row + 1, split);
        if (table.rows > room) {
            room = 2 * room + 64;
            table.x = json_grown(table.x, room * table.columns * sizeof *table.x);
            table.y = json_grown(table.y, room * sizeof *table.y);
            table.ids = json_grown(table.ids, room * sizeof *table.ids);
        }
        for (size_t j = 0; j < table.columns; j++)
            table.x[row * table.columns + j] = number(cells[layout.columns[j]], row + 1, split, table.names[j]);
        table.y[row] = cells[layout.target];
        table.ids[row] = layout.id < width ? cells[layout.id] : NULL;
        if (*table.y[row] == '\0') refuse(EXIT_DATASET, NULL, "row %zu of split %s has no class", row + 1, split);
    }
    if (table.rows == 0) refuse(EXIT_DATASET, NULL, "split %s has no rows", split);
    return table;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted classes, and each row's class number. */
static void find_classes(struct model *model) {
    size_t rows = model->data.rows;
    model->classes = json_grown(NULL, rows * sizeof *model->classes);
    model->labels = json_grown(NULL, rows * sizeof *model->labels);
    memcpy(model->classes, model->data.y, rows * sizeof *model->classes);
    qsort(model->classes, rows, sizeof *model->classes, by_text);
    for (size_t i = 0; i < rows; i++) {
        if (i == 0 || strcmp(model->classes[i], model->classes[model->class_count - 1]) != 0)
            model->classes[model->class_count++] = model->classes[i];
    }
    for (size_t i = 0; i < rows; i++)
        model->labels[i] = position(model->classes, model->class_count, model->data.y[i]);
}

/* Center and scale of each column by the training rows; 0 and 1 when not asked for. */
static void find_scale(struct model *model, int standardise) {
    const struct table *data = &model->data;
    model->center = json_grown(NULL, data->columns * sizeof *model->center);
    model->scale = json_grown(NULL, data->columns * sizeof *model->scale);
    for (size_t j = 0; j < data->columns; j++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < data->rows; i++) sum += data->x[i * data->columns + j];
        double mean = sum / (double)data->rows;
        for (size_t i = 0; i < data->rows; i++) {
            double off = data->x[i * data->columns + j] - mean;
            squares += off * off;
        }
        model->center[j] = standardise ? mean : 0;
        model->scale[j] = standardise && squares > 0 ? sqrt(squares / (double)data->rows) : 1;
    }
}

static int by_distance(const void *a, const void *b) {
    const struct neighbour *one = a, *two = b;
    if (one->distance != two->distance) return one->distance < two->distance ? -1 : 1;
    return one->row < two->row ? -1 : one->row > two->row; /* equals in the order of rows */
}

/* All training rows but `skipped`, the nearest first; returns how many. */
static size_t nearest(const struct model *model, const double *x, size_t skipped, struct neighbour *out) {
    const struct table *data = &model->data;
    size_t count = 0;
    for (size_t i = 0; i < data->rows; i++) {
        if (i == skipped) continue;
        double sum = 0;
        for (size_t j = 0; j < data->columns; j++) {
            double off = (x[j] - data->x[i * data->columns + j]) / model->scale[j];
            sum += off * off;
        }
        out[count++] = (struct neighbour){sum, i};
    }
    qsort(out, count, sizeof *out, by_distance);
    return count;
}

/* The class with most votes; of equals that of the nearer neighbour. Fills `votes`. */
static size_t elected(const struct model *model, const struct neighbour *near, size_t count, double *votes) {
    for (size_t c = 0; c < model->class_count; c++) votes[c] = 0;
    for (size_t i = 0; i < count; i++) votes[model->labels[near[i].row]] += 1;
    size_t best = model->labels[near[0].row];
    for (size_t i = 1; i < count; i++) {
        size_t label = model->labels[near[i].row];
        if (votes[label] > votes[best]) best = label;
    }
    return best;
}

/* Tries every number of neighbours on each training row without itself. */
static void choose(struct model *model, size_t most) {
    const struct table *data = &model->data;
    struct neighbour *near = json_grown(NULL, data->rows * sizeof *near);
    double *votes = json_grown(NULL, model->class_count * sizeof *votes);
    size_t right[MOST_NEIGHBOURS + 1] = {0}, best = 1;
    if (most > data->rows - 1) most = data->rows - 1;
    for (size_t i = 0; i < data->rows; i++) {
        nearest(model, data->x + i * data->columns, i, near);
        for (size_t k = 1; k <= most; k++) right[k] += elected(model, near, k, votes) == model->labels[i];
    }
    FILE *out = events();
    for (size_t k = 1; k <= most; k++) {
        double accuracy = (double)right[k] / (double)data->rows;
        fprintf(out, "{\"step\": %zu, \"metrics\": {\"train/loo_accuracy\": %.17g}}\n", k, accuracy);
        if (right[k] > right[best]) best = k;
    }
    fprintf(out, "{\"tags\": {\"neighbours\": \"%zu\"}}\n", best);
    closed(out);
    model->neighbours = best;
}

/* A prediction file of JSON lines, where any class and id can be written. */
static void predict(const struct model *model, const char *split) {
    struct table table = read_split(split, &model->data);
    struct neighbour *near = json_grown(NULL, model->data.rows * sizeof *near);
    double *votes = json_grown(NULL, model->class_count * sizeof *votes);
    char *name = json_grown(joined("predictions", split), strlen(split) + 32);
    strcat(name, ".jsonl");
    FILE *out = begin(name);
    for (size_t i = 0; i < table.rows; i++) {
        nearest(model, table.x + i * table.columns, model->data.rows, near);
        size_t best = elected(model, near, model->neighbours, votes);
        fputs("{\"id\": ", out);
        if (table.ids[i] == NULL) fprintf(out, "%zu", i);
        else json_quote(out, table.ids[i]);
        fputs(", \"y_true\": ", out);
        json_quote(out, table.y[i]);
        fputs(", \"y_pred\": ", out);
        json_quote(out, model->classes[best]);
        for (size_t c = 0; c < model->class_count; c++) {
            fputs(", ", out);
            json_quote(out, strcat(strcpy(json_grown(NULL, strlen(model->classes[c]) + 9), "y_score_"), model->classes[c]));
            fprintf(out, ": %.17g", votes[c] / (double)model->neighbours);
        }
        fputs("}\n", out);
    }
    finish(out, name);
    out = events();
    fputs("{\"predictions\": {\"split\": ", out);
    json_quote(out, split);
    fputs(", \"path\": ", out);
    json_quote(out, name);
    fputs("}}\n", out);
    closed(out);
}

/* Opens the run directory and refuses what cannot be done, before the data is read. */
static void open_run(const char *dir) {
    static const char *const folders[] = {"events", "predictions"};
    run_dir = dir;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) mkdir(joined(dir, folders[i]), 0777);
    run_file = json_parse(whole_file(joined(dir, "run.json")));
    const struct json *version = json_get(run_file, "version");
    if (version == NULL || version->type != JSON_NUMBER) refuse(EXIT_FAILED, NULL, "run.json cannot be read");
    if (version->number != RUN_VERSION) refuse(EXIT_UNSUPPORTED, "version", "run.json must have version %d", RUN_VERSION);
    const char *task = json_text(run_file, "task");
    if (task != NULL && strcmp(task, "multiclass") != 0) refuse(EXIT_UNSUPPORTED, "task", "the task must be multiclass");
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("name the run directory\n", stderr);
        return EXIT_FAILED;
    }
    open_run(argv[1]);
    /* run.json may not come from the hub, so params are checked again. */
    const struct json *params = json_get(run_file, "params");
    const struct json *most = json_get(params, "most_neighbours"), *scaled = json_get(params, "standardise");
    if (most == NULL || most->type != JSON_NUMBER || floor(most->number) != most->number || most->number < 1 || most->number > MOST_NEIGHBOURS)
        refuse(EXIT_PARAM, "most_neighbours", "most_neighbours must be a whole number from 1 to %d", MOST_NEIGHBOURS);
    if (scaled == NULL || scaled->type != JSON_BOOL)
        refuse(EXIT_PARAM, "standardise", "standardise must be true or false");
    if (json_text(json_get(run_file, "dataset"), "target") == NULL)
        refuse(EXIT_DATASET, NULL, "name a dataset and its target");

    struct model model = {.data = read_split("train", NULL)};
    if (model.data.rows < 2) refuse(EXIT_DATASET, NULL, "the training split must have at least two rows");
    FILE *out = events();
    fprintf(out, "{\"entry\": {\"train\": {\"shape\": [%zu, %zu], \"dtype\": \"float64\", \"device\": \"cpu\"}}}\n", model.data.rows, model.data.columns);
    closed(out);
    find_classes(&model);
    find_scale(&model, strcmp(scaled->text, "true") == 0);
    choose(&model, (size_t)most->number);
    const struct json *splits = json_get(run_file, "predict_splits");
    for (const struct json *split = splits ? splits->first : NULL; split != NULL; split = split->next) {
        if (split->type == JSON_TEXT) predict(&model, split->text);
    }
    return 0;
}
