/* The header as C99: included, every enumerator and function used from C. */
#include <dlc.h>
#include <stdio.h>
#include <string.h>

#define CHECK(condition)                                     \
  do {                                                       \
    if (!(condition)) {                                      \
      printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      return 1;                                              \
    }                                                        \
  } while (0)

int main(void) {
  dlc_options options = {DLC_ABI_VERSION, 1, "cpu"};
  dlc_runtime *runtime = NULL;
  dlc_session *session = NULL;
  dlc_failure failure;
  dlc_memory memory;
  char text[16];
  size_t needed = 0;
  uint64_t bytes = 0;
  uint32_t done = 0;
  int status;

  CHECK(dlc_abi_version() == DLC_ABI_VERSION);
  for (status = DLC_OK; status <= DLC_INTERNAL; ++status) CHECK(strlen(dlc_status_name((dlc_status)status)) > 1);
  CHECK(DLC_F32 == 0 && DLC_BOOL == 6);

  CHECK(dlc_runtime_create(&options, &runtime) == DLC_OK);
  CHECK(dlc_runtime_describe(runtime, text, sizeof text, &needed) == DLC_OK);
  CHECK(needed > sizeof text && strlen(text) == sizeof text - 1 && strncmp(text, "{\"device\":\"cpu\"", 15) == 0);

  CHECK(dlc_session_create(runtime, "not a plan", 10, &session) == DLC_BAD_PLAN);
  CHECK(session == NULL && strcmp(dlc_runtime_error(runtime), "plan: not a plan") == 0);

  CHECK(dlc_session_describe(session, text, sizeof text, &needed) == DLC_INVALID_ARGUMENT);
  CHECK(dlc_session_memory(session, &memory) == DLC_INVALID_ARGUMENT);
  CHECK(dlc_session_failure(session, &failure) == DLC_INVALID_ARGUMENT);
  CHECK(dlc_session_input_bytes(session, 0, 0, &bytes) == DLC_INVALID_ARGUMENT);
  CHECK(dlc_session_output_bytes(session, 0, 0, &bytes) == DLC_INVALID_ARGUMENT);
  CHECK(dlc_session_read_state(session, 0, text, sizeof text) == DLC_INVALID_ARGUMENT);
  CHECK(dlc_session_write_state(session, 0, text, sizeof text) == DLC_INVALID_ARGUMENT);
  CHECK(dlc_session_run(session, 0, 1, NULL, 0, NULL, 0, &done) == DLC_INVALID_ARGUMENT);
  CHECK(dlc_session_trace(session, 0, NULL, 0) == DLC_INVALID_ARGUMENT);
  CHECK(dlc_session_cancel(session) == DLC_INVALID_ARGUMENT);
  CHECK(strcmp(dlc_session_error(session), "not a session") == 0);
  dlc_session_destroy(session);
  dlc_runtime_destroy(runtime);
  dlc_runtime_destroy(NULL);
  printf("ok\n");
  return 0;
}
