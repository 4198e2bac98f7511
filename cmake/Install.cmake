# What `cmake --install build` puts beside the program (src/cli installs that): man page, shell completions, specs with the
# embedded model, the schema of specs, documents.
include(GNUInstallDirs)

set(_written ${PROJECT_BINARY_DIR}/installed)
# Written when they are installed, from the program that is installed.
install(CODE "
  execute_process(COMMAND \"${CMAKE_COMMAND}\" \"-DPROGRAM=$<TARGET_FILE:gainsweep>\" -DVERSION=${PROJECT_VERSION}
                          \"-DOUTPUT=${_written}\" -P \"${PROJECT_SOURCE_DIR}/cmake/HelpDocuments.cmake\"
                  COMMAND_ERROR_IS_FATAL ANY)")
install(FILES ${_written}/gainsweep.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${_written}/gainsweep.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME gainsweep)
install(FILES ${_written}/_gainsweep DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/gainsweep)
install(FILES docs/spec.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/gainsweep)
install(FILES CHANGELOG.md CITATION.cff LICENSE README.md docs/archive_format.md docs/glossary.md docs/licences.md docs/method.md
              docs/reproducibility.md docs/spec.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
unset(_written)
