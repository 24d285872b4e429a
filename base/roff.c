// SPDX-License-Identifier: MIT
#include "base/roff.h"

static void put(struct gw_roff *roff, const char *macro) {
    if (roff->status == GW_OK)
        roff->status = gw_buf_append_str(roff->out, gw_str_from(macro));
}

// A dot or a quote at the beginning of a line would be a macro.
static void put_escaped(struct gw_roff *roff, struct gw_str text) {
    if (text.length > 0 && (text.at[0] == '.' || text.at[0] == '\''))
        put(roff, "\\&");
    for (size_t i = 0; i < text.length && roff->status == GW_OK; i++) {
        const char *escaped = text.at[i] == '\\'   ? "\\e"
                              : text.at[i] == '-'  ? "\\-"
                              : text.at[i] == '~'  ? "\\(ti"
                              : text.at[i] == '^'  ? "\\(ha"
                              : text.at[i] == '`'  ? "\\(ga"
                              : text.at[i] == '\'' ? "\\(aq"
                                                   : NULL;
        if (escaped != NULL)
            put(roff, escaped);
        else
            roff->status = gw_buf_append(roff->out, text.at + i, 1);
    }
}

static void put_heading(struct gw_roff *roff, const char *macro, const char *title) {
    put(roff, macro);
    put(roff, " ");
    put_escaped(roff, gw_str_from(title));
    put(roff, "\n");
    roff->below_heading = true;
}

static void begin_paragraph(struct gw_roff *roff) {
    if (!roff->below_heading)
        put(roff, ".PP\n");
    roff->below_heading = false;
}

void gw_roff_section(struct gw_roff *roff, const char *title) {
    put_heading(roff, ".SH", title);
}

void gw_roff_subsection(struct gw_roff *roff, const char *title) {
    put_heading(roff, ".SS", title);
}

void gw_roff_begin(struct gw_roff *roff, const char *name, int section, const char *version,
                   const char *summary) {
    const char number[] = {(char)('0' + section), '\0'};
    gw_assert(section > 0 && section < 10);
    put(roff, ".TH ");
    put_escaped(roff, gw_str_from(name));
    put(roff, " ");
    put(roff, number);
    put(roff, " \"\" \"");
    put_escaped(roff, gw_str_from(name));
    put(roff, " ");
    put(roff, version);
    put(roff, "\"\n");
    gw_roff_section(roff, "NAME");
    put_escaped(roff, gw_str_from(name));
    put(roff, " \\- ");
    put_escaped(roff, gw_str_from(summary));
    put(roff, "\n");
}

static bool next_line(struct gw_str *rest, struct gw_str *line) {
    return rest->length > 0 && gw_str_next(rest, '\n', line);
}

static bool is_as_it_is(struct gw_str line) {
    return line.length > 0 && line.at[0] == ' ';
}

// Lines that begin with blanks stand in a block without filling, the others each on their own.
static void put_text(struct gw_roff *roff, const char *text, const char *paragraph) {
    struct gw_str rest = gw_str_from(text);
    struct gw_str line;
    bool filled = true;
    bool begun = false;
    while (next_line(&rest, &line)) {
        if (is_as_it_is(line) == filled)
            put(roff, filled ? ".nf\n" : ".fi\n");
        else if (filled && begun && line.length > 0)
            put(roff, ".br\n");
        filled = !is_as_it_is(line);
        begun = line.length > 0;
        if (line.length == 0)
            put(roff, paragraph);
        else
            put_escaped(roff, line);
        if (line.length > 0)
            put(roff, "\n");
    }
    if (!filled)
        put(roff, ".fi\n");
}

void gw_roff_text(struct gw_roff *roff, const char *text) {
    begin_paragraph(roff);
    put_text(roff, text, ".PP\n");
}

void gw_roff_item(struct gw_roff *roff, const char *term, const char *text) {
    roff->below_heading = false;
    put(roff, ".TP\n\\fB");
    put_escaped(roff, gw_str_from(term));
    put(roff, "\\fR\n");
    put_text(roff, text, ".IP\n");
}

void gw_roff_synopsis(struct gw_roff *roff, const char *name, const char *rest) {
    begin_paragraph(roff);
    put(roff, "\\fB");
    put_escaped(roff, gw_str_from(name));
    put(roff, "\\fR");
    put_escaped(roff, gw_str_from(rest));
    put(roff, "\n");
}

void gw_roff_lines(struct gw_roff *roff, const char *text) {
    struct gw_str rest = gw_str_from(text);
    struct gw_str line;
    begin_paragraph(roff);
    put(roff, ".nf\n");
    while (next_line(&rest, &line)) {
        put_escaped(roff, line);
        put(roff, "\n");
    }
    put(roff, ".fi\n");
}
