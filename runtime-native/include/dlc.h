/* The C ABI of the dlc runtime. Opaque handles, a status from every call, the text of the last failure from the
 * handle it happened on. No call aborts, throws or exits. A session may be used by one thread at a time; different
 * sessions of one runtime may be used at the same time. All sizes are bytes, all integers little-endian. */
#ifndef DLC_H
#define DLC_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define DLC_API __declspec(dllexport)
#else
#define DLC_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define DLC_ABI_VERSION 1

typedef enum dlc_status {
  DLC_OK = 0,
  DLC_INVALID_ARGUMENT = 1, /* the caller's mistake: null handle, wrong size, unknown name */
  DLC_BAD_PLAN = 2,         /* the plan blob is truncated, corrupt or of another version */
  DLC_UNSUPPORTED = 3,      /* a kernel or device that this build does not have */
  DLC_OUT_OF_MEMORY = 4,
  DLC_DATA_ERROR = 5, /* a value the data should not hold: a label out of range */
  DLC_NON_FINITE = 6, /* a checked value is NaN or infinite */
  DLC_CANCELLED = 7,
  DLC_INTERNAL = 8,
  DLC_DEVICE_LOST = 9 /* the card failed, or its driver; what was computed on it is gone */
} dlc_status;

typedef enum dlc_dtype {
  DLC_F32 = 0,
  DLC_F64 = 1,
  DLC_BF16 = 2,
  DLC_U8 = 3,
  DLC_I32 = 4,
  DLC_I64 = 5,
  DLC_BOOL = 6
} dlc_dtype;

typedef struct dlc_runtime dlc_runtime; /* a device and its threads */
typedef struct dlc_session dlc_session; /* a loaded plan with its memory */

typedef struct dlc_options {
  uint32_t abi_version; /* DLC_ABI_VERSION */
  uint32_t threads;     /* 0: one for each core this process may use */
  const char *device;   /* "cpu" (also for NULL) or "cuda" */
} dlc_options;

typedef struct dlc_memory {
  uint64_t state_bytes;
  uint64_t const_bytes;
  uint64_t arena_bytes;     /* the largest arena of the session's programs */
  uint64_t allocated_bytes; /* what the session really holds for the three */
} dlc_memory;

typedef struct dlc_failure {
  uint32_t program; /* index; UINT32_MAX where it does not apply */
  uint32_t kernel;  /* number of the plan step: the program's own from 0 on, then those of its regions */
  uint32_t step;    /* 0-based step within the call */
} dlc_failure;

DLC_API uint32_t dlc_abi_version(void);
DLC_API const char *dlc_status_name(dlc_status status);

/* Gives a handle even on failure (except DLC_OUT_OF_MEMORY and bad arguments) so that dlc_runtime_error can say why;
 * destroy it in any case. */
DLC_API dlc_status dlc_runtime_create(const dlc_options *options, dlc_runtime **runtime);
DLC_API void dlc_runtime_destroy(dlc_runtime *runtime);
DLC_API const char *dlc_runtime_error(const dlc_runtime *runtime);
/* JSON: {"device", "threads", "cpu", "features": [...], "kernels": [...]}; of "cuda", also where it could not be made,
 * {"device", "usable", "problem", "cards": [...], "libraries": [{"name", "version", "path", "problem"}]}.
 * Writes at most `capacity` bytes with the closing zero; `*needed` is the full size. */
DLC_API dlc_status dlc_runtime_describe(dlc_runtime *runtime, char *text, size_t capacity, size_t *needed);

/* The blob is copied as far as it is needed. On failure the reason is at dlc_runtime_error(runtime). */
DLC_API dlc_status dlc_session_create(dlc_runtime *runtime, const void *plan, size_t bytes, dlc_session **session);
DLC_API void dlc_session_destroy(dlc_session *session);
DLC_API const char *dlc_session_error(const dlc_session *session);
/* The kernel that the last failed run stopped in. */
DLC_API dlc_status dlc_session_failure(const dlc_session *session, dlc_failure *failure);
/* JSON: {"states": [{"name", "dtype", "shape"}],
 *        "programs": [{"name", "inputs": [{"name", "dtype", "shape"}], "outputs": [...]}]}. */
DLC_API dlc_status dlc_session_describe(dlc_session *session, char *text, size_t capacity, size_t *needed);
DLC_API dlc_status dlc_session_memory(const dlc_session *session, dlc_memory *memory);

/* Bytes of one tensor of a program's input or output. */
DLC_API dlc_status dlc_session_input_bytes(const dlc_session *session, uint32_t program, uint32_t input,
                                           uint64_t *bytes);
DLC_API dlc_status dlc_session_output_bytes(const dlc_session *session, uint32_t program, uint32_t output,
                                            uint64_t *bytes);

/* Indices are those of the plan (and of dlc_session_describe). Sizes must match exactly. */
DLC_API dlc_status dlc_session_read_state(dlc_session *session, uint32_t state, void *data, size_t bytes);
DLC_API dlc_status dlc_session_write_state(dlc_session *session, uint32_t state, const void *data, size_t bytes);

/* Runs `steps` steps of a program. inputs[i] holds `steps` consecutive tensors for input i, outputs[i] receives
 * `steps` consecutive tensors of output i (NULL: not wanted). `*done` (may be NULL) counts finished steps. A step that
 * fails in a kernel leaves the state updates of that step undone as far as they come after the failing kernel; plans
 * place checks before updates. */
DLC_API dlc_status dlc_session_run(dlc_session *session, uint32_t program, uint32_t steps, const void *const *inputs,
                                   uint32_t input_count, void *const *outputs, uint32_t output_count, uint32_t *done);
/* One step that examines every kernel's floating-point outputs and stops with DLC_NON_FINITE at the first kernel that
 * made (or was given, among its states) a NaN or infinity; dlc_session_failure tells which. State is restored. */
DLC_API dlc_status dlc_session_trace(dlc_session *session, uint32_t program, const void *const *inputs,
                                     uint32_t input_count);
/* Runs `steps` steps over the same inputs and adds the time that each kernel took to seconds[its number]; `count` is
 * how many the program and its regions have. The time of a kernel with regions holds that of what it runs. State is
 * restored. */
DLC_API dlc_status dlc_session_profile(dlc_session *session, uint32_t program, const void *const *inputs,
                                       uint32_t input_count, uint32_t steps, double *seconds, uint32_t count);
/* May be called from any thread: the running call returns DLC_CANCELLED after its current step, unless that was its
 * last. With no call running, the next one stops so. */
DLC_API dlc_status dlc_session_cancel(dlc_session *session);

#ifdef __cplusplus
}
#endif
#endif
