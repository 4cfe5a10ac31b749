/* Reads JSON into a tree: as much as an adapter needs, without dependencies. Depth is
 * bounded. Numbers keep their text too, so that seeds of 64 bits stay whole. Memory is
 * never given back: a program reads one run.json and ends. */
#ifndef JSON_H
#define JSON_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_MAX_DEPTH = 64 };

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT };

struct json {
    enum json_type type;
    char *name;         /* in an object */
    char *text;         /* of a text or number; "true" or "false" */
    double number;
    struct json *first; /* of a list or object */
    struct json *next;  /* in one */
};

static void *json_grown(void *old, size_t size) {
    void *grown = realloc(old, size);
    if (grown == NULL) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return grown;
}

static void json_blank(const char **at) { *at += strspn(*at, " \t\r\n"); }

static int json_unit(const char **at, unsigned *unit) {
    char digits[5] = {0};
    for (int i = 0; i < 4; i++) {
        digits[i] = **at;
        if (strchr("0123456789abcdefABCDEF", digits[i]) == NULL || digits[i] == '\0') return 0;
        (*at)++;
    }
    *unit = (unsigned)strtoul(digits, NULL, 16);
    return 1;
}

/* A code point as UTF-8; returns the number of bytes. */
static size_t json_utf8(unsigned point, char *out) {
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const unsigned marks[] = {0, 0xc0, 0xe0, 0xf0};
    for (size_t i = more; i > 0; i--, point >>= 6) out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)(marks[more] | point);
    return more + 1;
}

/* The bytes of an escape, `at` behind its backslash; 0 when it is none. */
static size_t json_escape(const char **at, char *out) {
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    unsigned high, low;
    char mark = **at;
    if (mark == '\0') return 0;
    (*at)++;
    const char *known = strchr(names, mark);
    if (known != NULL) {
        out[0] = meant[known - names];
        return 1;
    }
    if (mark != 'u' || !json_unit(at, &high) || high == 0) return 0;
    if (high < 0xd800 || high > 0xdfff) return json_utf8(high, out);
    if (high > 0xdbff || *(*at)++ != '\\' || *(*at)++ != 'u' || !json_unit(at, &low)) return 0;
    if (low < 0xdc00 || low > 0xdfff) return 0;
    return json_utf8(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), out);
}

/* A text, `at` on its first quote; NULL when it is none. */
static char *json_string(const char **at) {
    if (**at != '"') return NULL;
    (*at)++;
    char *text = json_grown(NULL, strlen(*at) + 1); /* no escape is shorter than its bytes */
    size_t size = 0;
    while (**at != '"') {
        if ((unsigned char)**at < 0x20) return NULL;
        if (**at != '\\') {
            text[size++] = *(*at)++;
            continue;
        }
        (*at)++;
        size_t more = json_escape(at, text + size);
        if (more == 0) return NULL;
        size += more;
    }
    (*at)++;
    text[size] = '\0';
    return json_grown(text, size + 1);
}

static struct json *json_value(const char **at, int depth);

/* The items of a list or fields of an object; 0 when they are none. */
static int json_many(const char **at, int depth, struct json *parent, char closing) {
    struct json **end = &parent->first;
    (*at)++;
    json_blank(at);
    if (**at == closing) {
        (*at)++;
        return 1;
    }
    for (;;) {
        char *name = NULL;
        json_blank(at);
        if (closing == '}') {
            name = json_string(at);
            if (name == NULL) return 0;
            json_blank(at);
            if (*(*at)++ != ':') return 0;
        }
        struct json *item = json_value(at, depth + 1);
        if (item == NULL) return 0;
        item->name = name;
        *end = item;
        end = &item->next;
        json_blank(at);
        if (**at == closing) {
            (*at)++;
            return 1;
        }
        if (*(*at)++ != ',') return 0;
    }
}

static struct json *json_word(const char **at, struct json *value) {
    static const char *const words[] = {"null", "true", "false"};
    for (int i = 0; i < 3; i++) {
        size_t size = strlen(words[i]);
        if (strncmp(*at, words[i], size) != 0) continue;
        *at += size;
        value->type = i == 0 ? JSON_NULL : JSON_BOOL;
        value->text = (char *)words[i];
        return value;
    }
    return NULL;
}

static struct json *json_number(const char **at, struct json *value) {
    size_t size = strspn(*at, "+-.0123456789eE");
    value->type = JSON_NUMBER;
    value->text = json_grown(NULL, size + 1);
    memcpy(value->text, *at, size);
    value->text[size] = '\0';
    char *end;
    value->number = strtod(value->text, &end);
    *at += size;
    return size > 0 && *end == '\0' ? value : NULL;
}

static struct json *json_value(const char **at, int depth) {
    struct json *value = json_grown(NULL, sizeof *value);
    *value = (struct json){0};
    if (depth > JSON_MAX_DEPTH) return NULL;
    json_blank(at);
    switch (**at) {
    case '{':
        value->type = JSON_OBJECT;
        return json_many(at, depth, value, '}') ? value : NULL;
    case '[':
        value->type = JSON_LIST;
        return json_many(at, depth, value, ']') ? value : NULL;
    case '"':
        value->type = JSON_TEXT;
        value->text = json_string(at);
        return value->text != NULL ? value : NULL;
    case 'n':
    case 't':
    case 'f':
        return json_word(at, value);
    default:
        return json_number(at, value);
    }
}

/* A whole text; NULL when it is not JSON. */
static struct json *json_parse(const char *text) {
    struct json *value = json_value(&text, 0);
    if (value == NULL) return NULL; /* `text` may be behind the end */
    json_blank(&text);
    return *text == '\0' ? value : NULL;
}

/* A field of an object; NULL when there is none. `object` may be NULL. */
static const struct json *json_get(const struct json *object, const char *name) {
    if (object == NULL || object->type != JSON_OBJECT) return NULL;
    for (const struct json *field = object->first; field != NULL; field = field->next) {
        if (strcmp(field->name, name) == 0) return field;
    }
    return NULL;
}

/* A field's text; NULL when it is no text. */
static const char *json_text(const struct json *object, const char *name) {
    const struct json *field = json_get(object, name);
    return field != NULL && field->type == JSON_TEXT ? field->text : NULL;
}

/* Writes a text with its quotes. */
static void json_quote(FILE *out, const char *text) {
    putc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') fprintf(out, "\\%c", byte);
        else if (byte < 0x20) fprintf(out, "\\u%04x", byte);
        else putc(byte, out);
    }
    putc('"', out);
}

#endif
