// The thread sanitizer knows pthreads but not C11 threads, which librdkafka uses: without these its threads crash in
// the first instrumented callback. Only in builds with that sanitizer. glibc's C11 types are its pthread types.
#if __has_feature(thread_sanitizer)
#include <pthread.h>
#include <threads.h>
#include <cerrno>

#include <memory>

namespace {
struct Start {
  thrd_start_t run;
  void* argument;
};
int result(int error) { return error == 0 ? thrd_success : thrd_error; }
pthread_mutex_t* of(mtx_t* m) { return reinterpret_cast<pthread_mutex_t*>(m); }
pthread_cond_t* of(cnd_t* c) { return reinterpret_cast<pthread_cond_t*>(c); }
}  // namespace

extern "C" {
int thrd_create(thrd_t* thread, thrd_start_t run, void* argument) {
  const auto begin = [](void* given) -> void* {
    const std::unique_ptr<Start> start(static_cast<Start*>(given));
    return reinterpret_cast<void*>(static_cast<long>(start->run(start->argument)));
  };
  return result(pthread_create(thread, nullptr, begin, new Start{run, argument}));
}
int thrd_join(thrd_t thread, int* told) {
  void* value = nullptr;
  const int error = pthread_join(thread, &value);
  if (told) *told = static_cast<int>(reinterpret_cast<long>(value));
  return result(error);
}
int mtx_lock(mtx_t* m) { return result(pthread_mutex_lock(of(m))); }
int mtx_unlock(mtx_t* m) { return result(pthread_mutex_unlock(of(m))); }
int cnd_signal(cnd_t* c) { return result(pthread_cond_signal(of(c))); }
int cnd_broadcast(cnd_t* c) { return result(pthread_cond_broadcast(of(c))); }
int cnd_wait(cnd_t* c, mtx_t* m) { return result(pthread_cond_wait(of(c), of(m))); }
int cnd_timedwait(cnd_t* c, mtx_t* m, const timespec* until) {
  const int error = pthread_cond_timedwait(of(c), of(m), until);
  return error == ETIMEDOUT ? thrd_timedout : result(error);
}
}
#endif
