# Writes the man page and the shell completions of PROGRAM from what it says of itself, so that neither can lag behind:
#   cmake -DPROGRAM=… -DVERSION=… -DOUTPUT=FOLDER -P HelpDocuments.cmake
# makes FOLDER/gainsweep.1, FOLDER/gainsweep.bash and FOLDER/_gainsweep.
cmake_minimum_required(VERSION 3.24)

# CMake's lists are split at these characters, and brackets keep them together.
string(ASCII 1 opening)
string(ASCII 2 closing)
string(ASCII 3 semicolon)

# help_lines(result [command]): the lines of the help text, with stand-ins for the three characters.
function(help_lines result)
  execute_process(COMMAND ${PROGRAM} ${ARGN} --help OUTPUT_VARIABLE text ERROR_VARIABLE error RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "'${PROGRAM} ${ARGN} --help' ended with ${code}: ${error}")
  endif()
  string(REPLACE "[" "${opening}" text "${text}")
  string(REPLACE "]" "${closing}" text "${text}")
  string(REPLACE ";" "${semicolon}" text "${text}")
  string(REPLACE "\n" ";" text "${text}")
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

# The text itself again.
function(plain text result)
  string(REPLACE "${opening}" "[" text "${text}")
  string(REPLACE "${closing}" "]" text "${text}")
  string(REPLACE "${semicolon}" ";" text "${text}")
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

# For troff: no escapes, no requests, and hyphens that can be copied.
function(troff text result)
  plain("${text}" text)
  string(REPLACE "\\" "\\e" text "${text}")
  string(REPLACE "-" "\\-" text "${text}")
  string(REGEX REPLACE "^([.'])" "\\\\&\\1" text "${text}")
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

# For zsh, between single quotes, where colons and brackets part a description from the rest.
function(zsh text result)
  plain("${text}" text)
  string(REGEX REPLACE "([][:\\])" "\\\\\\1" text "${text}")
  string(REPLACE "'" "'\\''" text "${text}")
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

# The words that an option's text lists: "…: model, observed or lowered".
function(listed text result)
  set(found)
  if(text MATCHES "(^|: )([a-z0-9_]+(, [a-z0-9_]+)*,? or [a-z0-9_]+)")
    string(REGEX REPLACE "(,? or |, )" " " found "${CMAKE_MATCH_2}")
  endif()
  set(${result} "${found}" PARENT_SCOPE)
endfunction()

# What an option's value is called, with a default ("arg", "KEY=VALUE", "arg (=text)"), between its name and its text.
set(value "( (arg|[A-Z][A-Z=]+)( .=[^)]*.)?)?")

# read_command(name): sets synopsis, notes, and parallel lists of its options: names ("-h --help"), takes ("0", or "0NAME"
# where a value called NAME follows) and texts.
function(read_command name)
  help_lines(lines ${name})
  set(synopsis)
  set(notes)
  set(names)
  set(takes)
  set(texts)
  set(within OFF)
  foreach(line IN LISTS lines)
    if(line MATCHES "^Usage: (.*)$")
      set(synopsis "${CMAKE_MATCH_1}")
    elseif(line MATCHES "^[A-Z][A-Za-z ]*:$")
      set(within ON)
    elseif(line MATCHES "^  (-[A-Za-z]) ${opening} (--[a-z-]+) ${closing}${value} *(.*)$")
      list(APPEND names "${CMAKE_MATCH_1} ${CMAKE_MATCH_2}")
      list(APPEND takes "0${CMAKE_MATCH_4}")
      list(APPEND texts "${CMAKE_MATCH_6} ")
    elseif(line MATCHES "^  (--?[A-Za-z-]+)${value} *(.*)$")
      list(APPEND names "${CMAKE_MATCH_1}")
      list(APPEND takes "0${CMAKE_MATCH_3}")
      list(APPEND texts "${CMAKE_MATCH_5} ")
    elseif(within AND line MATCHES "^   +(.*)$")
      list(POP_BACK texts last)
      string(REGEX REPLACE "  +" " " last "${last} ${CMAKE_MATCH_1} ")
      list(APPEND texts "${last}")
    elseif(NOT line STREQUAL "")
      set(within OFF)
      list(APPEND notes "${line}")
    endif()
  endforeach()
  list(TRANSFORM takes REPLACE "^0arg$" "0value")
  foreach(part IN ITEMS synopsis notes names takes texts)
    set(${part} "${${part}}" PARENT_SCOPE)
  endforeach()
endfunction()

# What the program does in a line, and each command with its own line.
help_lines(overview)
set(commands)
set(summaries)
set(waits OFF)
foreach(line IN LISTS overview)
  if(waits)
    string(STRIP "${line}" line)
    list(APPEND summaries "${line}")
    set(waits OFF)
  elseif(line MATCHES "^  gainsweep ([a-z-]+)(.*)$")
    list(APPEND commands ${CMAKE_MATCH_1})
    if(CMAKE_MATCH_2 MATCHES "   *([^ ].*)$")
      list(APPEND summaries "${CMAKE_MATCH_1}")
    else()
      set(waits ON)
    endif()
  endif()
endforeach()
list(GET overview 0 purpose)
if(NOT commands OR NOT purpose MATCHES "^gainsweep (.*)\\.$")
  message(FATAL_ERROR "'${PROGRAM} --help' does not have the form that this script reads")
endif()
troff("${CMAKE_MATCH_1}" purpose)

set(description)
foreach(line IN LISTS overview)
  troff("${line}" line)
  string(APPEND description "${line}\n")
endforeach()
set(sections)
set(bash_cases)
set(bash_values)
set(zsh_commands)
set(zsh_cases)
foreach(command summary IN ZIP_LISTS commands summaries)
  read_command(${command})
  troff("${synopsis}" synopsis)
  troff("${summary}" text)
  string(APPEND sections ".SS \"${synopsis}\"\n${text}\n")
  zsh("${summary}" text)
  string(APPEND zsh_commands "    '${command}:${text}'\n")
  string(APPEND zsh_cases "    ${command}) _arguments -S \\\n")
  set(words)
  foreach(name take text IN ZIP_LISTS names takes texts)
    string(STRIP "${text}" text)
    listed("${text}" values)
    string(REPLACE " " "\\fR, \\fB" bold "${name}")
    troff("${bold}" bold)
    string(REPLACE "\\ef" "\\f" bold "${bold}")
    troff("${text}" troffed)
    zsh("${text}" zshed)
    set(follows)
    set(action)
    if(take MATCHES "^0(.+)$")
      set(follows " \\fI${CMAKE_MATCH_1}\\fR")
      set(action ":value:_files")
      if(values)
        set(action ":value:(${values})")
        string(REPLACE " " "|" patterns "${name}")
        string(REPLACE " " "|${command}:" patterns "${command}:${name}")
        string(APPEND bash_values "    ${patterns}) words='${values}' ;;\n")
      endif()
    endif()
    string(APPEND sections ".TP\n\\fB${bold}\\fR${follows}\n${troffed}\n")
    string(REPLACE " " ";" each "${name}")
    list(APPEND words ${each})
    foreach(one IN LISTS each)
      string(APPEND zsh_cases "        '${one}[${zshed}]${action}' \\\n")
    endforeach()
  endforeach()
  list(JOIN words " " words)
  string(APPEND bash_cases "    ${command}) words='${words}' ;;\n")
  string(APPEND zsh_cases "        '*:file:_files' ;;\n")
  if(notes)
    string(APPEND sections ".PP\n")
    foreach(line IN LISTS notes)
      troff("${line}" line)
      string(APPEND sections "${line}\n")
    endforeach()
  endif()
endforeach()
list(JOIN commands " " commands)
if(description MATCHES "gainsweep help COMMAND")
  string(APPEND commands " help")
  string(APPEND zsh_commands "    'help:a command and its options'\n")
endif()

file(WRITE ${OUTPUT}/gainsweep.1 ".TH GAINSWEEP 1 \"\" \"gainsweep ${VERSION}\" \"User Commands\"
.SH NAME
gainsweep \\- ${purpose}
.SH SYNOPSIS
\\fBgainsweep\\fR \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]
.br
\\fBmpirun \\-\\-bind\\-to none \\-np\\fR \\fIN\\fR \\fBgainsweep run\\fR \\fISPEC\\fR \\fB\\-\\-out\\fR \\fIDIR\\fR
.SH DESCRIPTION
.nf
${description}.fi
.SH COMMANDS
${sections}.SH FILES
\\fIshare/gainsweep\\fR in the folder that gainsweep is installed into has specs to start from (\\fIconfigs\\fR) and the
JSON Schema of specs (\\fIspec.schema.json\\fR); \\fIshare/doc/gainsweep\\fR has the reference of specs, the layout of
archives and the licences.
")

file(WRITE ${OUTPUT}/gainsweep.bash "# Completes gainsweep in bash; written from its --help.
_gainsweep() {
  local word=\${COMP_WORDS[COMP_CWORD]} words=
  COMPREPLY=()
  case \${COMP_WORDS[1]}:\${COMP_WORDS[COMP_CWORD-1]} in
    -) ;;
${bash_values}  esac
  if [ \"$COMP_CWORD\" -eq 1 ]; then
    words='${commands} --help --version'
  elif [ -z \"$words\" ]; then
    [[ $word == -* ]] || return 0  # a file
    case \${COMP_WORDS[1]} in
${bash_cases}    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")
}
complete -o default -F _gainsweep gainsweep
")

file(WRITE ${OUTPUT}/_gainsweep "#compdef gainsweep
# Completes gainsweep in zsh; written from its --help.
_gainsweep() {
  local -a commands=(
${zsh_commands}    '--help:what there is'
    '--version:version and commit'
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${zsh_cases}  esac
}
_gainsweep \"$@\"
")
