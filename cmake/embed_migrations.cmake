# SPDX-License-Identifier: MIT
# Writes OUT/migration_files.{h,c}: the text of each sql/NNNN_name.sql of FILES, ordered by number.
# Run by the build: cmake -DOUT=<dir> -DFILES=<list> -P embed_migrations.cmake

file(
  WRITE "${OUT}/migration_files.h"
  "/* SPDX-License-Identifier: MIT */
/* Generated from db/sql by cmake/embed_migrations.cmake: the migrations, in the order of their numbers. */
#pragma once

struct db_migration_file {
    int number;       /* NNNN of NNNN_name.sql, unique and rising */
    const char *name; /* name of NNNN_name.sql */
    const char *sql;  /* the whole file, NUL-terminated */
};

extern const struct db_migration_file db_migration_files[];
extern const int db_migration_file_count;
")

list(SORT FILES)
set(texts "")
set(table "")
set(count 0)
set(last_number 0)
foreach(file IN LISTS FILES)
  get_filename_component(base "${file}" NAME)
  if(NOT base MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)\\.sql$")
    message(FATAL_ERROR "db/sql/${base}: a migration is called NNNN_name.sql")
  endif()
  set(digits "${CMAKE_MATCH_1}")
  set(name "${CMAKE_MATCH_2}")
  string(REGEX REPLACE "^0+" "" number "${digits}")
  if(NOT number GREATER last_number)
    message(FATAL_ERROR "db/sql/${base}: numbers start at 0001 and are unique")
  endif()
  set(last_number ${number})
  math(EXPR count "${count} + 1")

  # Bytes as character constants: no quoting, no limit on the length of a literal, any encoding.
  file(READ "${file}" bytes HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(REGEX REPLACE "(('[^']+',)('[^']+',)('[^']+',)('[^']+',)('[^']+',)('[^']+',)('[^']+',)('[^']+',))"
                       "\\1\n" bytes "${bytes}")
  string(APPEND texts "static const char sql_${digits}[] = {\n${bytes}'\\0'};\n\n")
  string(APPEND table "    {${number}, \"${name}\", sql_${digits}},\n")
endforeach()

file(
  WRITE "${OUT}/migration_files.c"
  "/* Generated from db/sql by cmake/embed_migrations.cmake. */
#include \"db/migration_files.h\"

${texts}const struct db_migration_file db_migration_files[] = {\n${table}    {0, 0, 0},\n};\n
const int db_migration_file_count = ${count};\n")
