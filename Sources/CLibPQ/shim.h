#pragma once
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

// Character macros are not imported into Swift.
static const int torq_diag_sqlstate = PG_DIAG_SQLSTATE;
static const int torq_diag_message_primary = PG_DIAG_MESSAGE_PRIMARY;

// Without this libpq prints the server's notices on standard error.
static inline void torq_ignore_notices(PGconn *connection);

static void torq_notice_ignored(void *context, const PGresult *result) {
    (void)context;
    (void)result;
}

static inline void torq_ignore_notices(PGconn *connection) {
    PQsetNoticeReceiver(connection, torq_notice_ignored, 0);
}

// glibc declares this under _GNU_SOURCE only, which Swift's importer does not set.
extern int pthread_setname_np(pthread_t thread, const char *name);
