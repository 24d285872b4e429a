// SPDX-License-Identifier: MIT
#pragma once
// Man pages: the few macros of man(7) that ours need. Text is ours, in ASCII; whatever stands in it
// is shown as it is, a hyphen as the one that is typed.
//
// In a text a line end stands, an empty line parts paragraphs, and lines that begin with blanks are
// printed as they are. The first failure sticks, at .status.

#include <stdbool.h>

#include "base/buf.h"

struct gw_roff {
    struct gw_buf *out;
    enum gw_status status;
    bool below_heading; // where a paragraph has begun already
};

// The head of the page and its NAME; `version` is that of the program.
void gw_roff_begin(struct gw_roff *roff, const char *name, int section, const char *version,
                   const char *summary);
// A heading that stands alone, in capitals by custom, and one below it.
void gw_roff_section(struct gw_roff *roff, const char *title);
void gw_roff_subsection(struct gw_roff *roff, const char *title);
// Paragraphs.
void gw_roff_text(struct gw_roff *roff, const char *text);
// A term in bold, and indented below it what it is.
void gw_roff_item(struct gw_roff *roff, const char *term, const char *text);
// A command as it is typed: the name in bold, and what follows, from its blank on.
void gw_roff_synopsis(struct gw_roff *roff, const char *name, const char *rest);
// Lines as they are.
void gw_roff_lines(struct gw_roff *roff, const char *text);
