# SPDX-License-Identifier: MIT
# Writes OUT/files.{h,c}: the bytes of each of FILES, with what HTTP says of them. Run by the build:
# cmake -DOUT=<dir> -DFILES=<list> -P embed_page.cmake

set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")

file(
  WRITE "${OUT}/files.h"
  "/* SPDX-License-Identifier: MIT */
/* Generated from gateway/page/static by cmake/embed_page.cmake: the files of the page, by name. */
#pragma once

#include <stddef.h>

struct gw_page_file {
    const char *name;
    const char *type; /* value of Content-Type */
    const char *etag; /* with its quotes, of the bytes alone */
    const char *bytes;
    size_t length;
};

extern const struct gw_page_file gw_page_files[];
extern const int gw_page_file_count;
")

list(SORT FILES)
set(texts "")
set(table "")
set(count 0)
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME)
  get_filename_component(extension "${file}" LAST_EXT)
  string(SUBSTRING "${extension}" 1 -1 extension)
  if(NOT name MATCHES "^[a-z_]+\\.[a-z]+$" OR NOT DEFINED type_${extension})
    message(FATAL_ERROR "gateway/page/static/${name}: a file of the page is called a_name.html, .css, .js or .svg")
  endif()
  # Bytes as character constants: no quoting, no limit on the length of a literal, any encoding.
  file(READ "${file}" bytes HEX)
  string(LENGTH "${bytes}" length)
  math(EXPR length "${length} / 2")
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
  file(SHA256 "${file}" digest)
  string(SUBSTRING "${digest}" 0 32 digest)
  string(APPEND texts "static const char bytes_${count}[] = {\n${bytes}};\n\n")
  string(APPEND table "    {\"${name}\", \"${type_${extension}}\", \"\\\"${digest}\\\"\", bytes_${count}, ${length}},\n")
  math(EXPR count "${count} + 1")
endforeach()

file(
  WRITE "${OUT}/files.c"
  "/* Generated from gateway/page/static by cmake/embed_page.cmake. */
#include \"gateway/page/files.h\"

${texts}const struct gw_page_file gw_page_files[] = {\n${table}};\n
const int gw_page_file_count = ${count};\n")
