# What makes a mistake that memory-safe code would not have harder to exploit; why these and not others:
# docs/decisions/0016-hardening.md. tests/hardening.py reads the binary and fails when one of them is missing.
# The sanitizers' trees go without: they look for the same mistakes themselves, and intercept what _FORTIFY_SOURCE replaces.
if(NOT WEIR_SANITIZE)
  add_compile_options(-fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  add_link_options(-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()
