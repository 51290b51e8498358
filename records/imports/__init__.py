"""From a file to entries: read it, guess its types, map its columns, load it, tell what happened.

sources   a file of any format as one well-formed table of text
guess     what each column holds, over the whole file
mapping   which column goes to which field
staging   COPY into a temporary table
loading   typed INSERT … SELECT, updates, refused cells
running   the job around it: progress, cancelling, whole or not at all
services  what pages, API and commands call
"""
