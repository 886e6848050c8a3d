/* The floor of the transport: POSTs of 2 KB through one libcurl multi handle, as little around them as there can be.
   transport-floor URL REQUESTS IN_FLIGHT CERTIFICATE   prints seconds, user and system time in seconds */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static double seconds(struct timeval time) { return time.tv_sec + time.tv_usec * 1e-6; }

static size_t discard(char *bytes, size_t size, size_t count, void *context) {
    (void)bytes;
    (void)context;
    return size * count;
}

/* Moves transfers on until so many are done; each handle starts again at once while more are wanted. */
static int run(CURLM *multi, CURL **handles, long in_flight, long requests) {
    long started = 0, done = 0;
    for (long i = 0; i < in_flight && started < requests; i++, started++) curl_multi_add_handle(multi, handles[i]);
    while (done < requests) {
        int running = 0, left = 0;
        curl_multi_perform(multi, &running);
        CURLMsg *message;
        while ((message = curl_multi_info_read(multi, &left))) {
            if (message->msg != CURLMSG_DONE) continue;
            CURL *easy = message->easy_handle;
            long status = 0;
            curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
            if (message->data.result != CURLE_OK || status != 200) {
                fprintf(stderr, "result %d, status %ld\n", message->data.result, status);
                return 1;
            }
            curl_multi_remove_handle(multi, easy);
            done++;
            if (started < requests) {
                curl_multi_add_handle(multi, easy);
                started++;
            }
        }
        if (done < requests) curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    return 0;
}

int main(int count, char **arguments) {
    if (count != 5) return 2;
    long requests = atol(arguments[2]), in_flight = atol(arguments[3]);
    if (requests < 1 || in_flight < 1 || in_flight > 1024) return 2;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, in_flight);
    static char body[2048];
    memset(body, 'a', sizeof body);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "webhook-id: 00000000-0000-0000-0000-000000000000");
    headers = curl_slist_append(headers, "Expect:");
    CURL *handles[1024];
    for (long i = 0; i < in_flight; i++) {
        CURL *easy = handles[i] = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_URL, arguments[1]);
        curl_easy_setopt(easy, CURLOPT_CAINFO, arguments[4]);
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)sizeof body);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 15000L);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    }
    if (run(multi, handles, in_flight, in_flight * 4)) return 1;
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    double start = now();
    if (run(multi, handles, in_flight, requests)) return 1;
    double took = now() - start;
    getrusage(RUSAGE_SELF, &after);
    printf("%.6f %.6f %.6f\n", took, seconds(after.ru_utime) - seconds(before.ru_utime), seconds(after.ru_stime) - seconds(before.ru_stime));
    for (long i = 0; i < in_flight; i++) curl_easy_cleanup(handles[i]);
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    curl_global_cleanup();
    return 0;
}
