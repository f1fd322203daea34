// load: thousands of clients in one light process, so that what is measured is the server on the other core.
//
// It is told what to do on standard input, a line each, and answers each `open`, `ask` and `settle` with one line of
// JSON. Watchers check what they get: every change must follow the last one (`prev` is what the client has), or it
// is counted as a gap.
//
//   port N | resume on                         where; and that lost watchers come back by their cursor
//   group NAME KIND PATH                       KIND: socketio, websocket, events or post
//   step NAME TEXT                             sent after the next message received, while joining
//   open NAME COUNT AT_ONCE                    connects and joins so many; answers when all are ready
//   slots FILE                                 what $s stands for, one after the other
//   ask NAME MODE COUNT EACH RATE TEMPLATE     MODE: lockstep, closed, paced or burst; each ask makes EACH changes.
//                                              $n number of the ask ($p: the one before), $t nanoseconds, $s slot
//   settle SEQ SECONDS                         until every watcher has the change SEQ
//
// The group called `watchers` is who the changes are for. In a step $a is the cursor to go on from, and $i the client's number.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_GROUPS = 4, MOST_STEPS = 4, MOST_ASKS = 4000000, READ_BYTES = 1 << 20, PATIENCE = 90 };
typedef enum { SOCKETIO, WEBSOCKET, EVENTS, POST } Kind;
typedef enum { NONE, CONNECTING, UPGRADING, JOINING, READY, LOST } State;
typedef enum { IDLE, OPENING, LOCKSTEP, CLOSED, PACED, BURST, SETTLING } Work;

typedef struct {
  char name[16], path[256], *steps[MOST_STEPS];
  Kind kind;
  int step_count, first, count, next_asker;
} Group;

typedef struct {
  int fd, group, step;
  State state;
  unsigned char *tail;  // of a message that is not whole yet
  size_t tail_size;
  long have, asked;  // the last change; the ask that is not answered yet (post)
  char cursor[48];
  double retry_at;
} Client;

typedef struct { long *values; size_t count, room; } Sample;

static Group groups[MOST_GROUPS];
static int group_count, client_count, port, epoll, connecting, ready, lost;
static Client *clients;
static bool resumes, is_refused_told;
static char **slots;
static long slot_count, slot_next;
static Sample changes, acks;
static double *asked_at;

static struct {
  Work work;
  Group *group;
  long count, each, asked, acked, refused, held_back, first_ask, settle_seq;
  long timely;  // accepted while requests were still being sent
  double rate, began, until, last_at, sent_at;
  int at_once, opened;
  char template[2048];
} job;
static long delivered, gaps, resumed, snapshots, ask_number, caught_up;

static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
static long now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000L + t.tv_nsec; }
static void die(const char *what) { fprintf(stderr, "load: %s: %s\n", what, strerror(errno)); exit(1); }

static void note(Sample *s, long value) {
  if (s->count == s->room && !(s->values = realloc(s->values, sizeof(long) * (s->room = s->room ? 2 * s->room : 65536)))) die("memory");
  s->values[s->count++] = value;
}
static int by_value(const void *a, const void *b) { long x = *(const long *)a, y = *(const long *)b; return (x > y) - (x < y); }
static double quantile(Sample *s, double part) { return s->count ? s->values[(size_t)(part * (double)(s->count - 1))] * 1e-6 : 0; }

// -- connecting

static void arm(Client *c, unsigned events, int operation) {
  struct epoll_event e = {.events = events, .data.u32 = (unsigned)(c - clients)};
  epoll_ctl(epoll, operation, c->fd, &e);
}
static void lose(Client *c) {
  if (c->state == NONE || c->state == LOST) return;
  if (c->state == READY) ready--; else connecting--;
  close(c->fd);
  free(c->tail);
  c->tail = NULL; c->tail_size = 0; c->state = LOST; c->step = 0; lost++;
  c->retry_at = resumes ? now() + 0.02 + 0.1 * (double)rand() / RAND_MAX : 1e18;
}
static void connect_client(Client *c) {
  int place = (int)(c - clients), one = 1;
  if (c->state == LOST) lost--;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) die("socket");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  from.sin_addr.s_addr = htonl(0x7f000002u + (unsigned)place / 4000);  // 127.0.0.2 and on: ports enough for all
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bind(c->fd, (void *)&from, sizeof from);
  c->state = CONNECTING; connecting++;
  bool is_dead = connect(c->fd, (void *)&to, sizeof to) < 0 && errno != EINPROGRESS;
  arm(c, EPOLLOUT | EPOLLIN, EPOLL_CTL_ADD);
  if (is_dead) lose(c);
}

// -- sending

static bool is_held_back;  // the last write found no room: the server does not read this client
static void put(Client *c, const char *data, size_t size) {
  ssize_t sent = write(c->fd, data, size);
  is_held_back = sent < 0 && errno == EAGAIN && job.work == PACED && c->state == READY;
  if (sent != (ssize_t)size && !is_held_back) lose(c);
}
static void put_frame(Client *c, int opcode, const char *text, size_t size) {
  static char out[70000];
  size_t head = 2;
  out[0] = (char)(0x80 | opcode);
  if (size < 126) out[1] = (char)(0x80 | size);
  else { out[1] = (char)(0x80 | 126); out[2] = (char)(size >> 8); out[3] = (char)size; head = 4; }
  memset(out + head, 0, 4);  // a mask of zeros: legal, and the text stays as it is
  memcpy(out + head + 4, text, size);
  put(c, out, head + 4 + size);
}
static void put_request(Client *c) {
  Group *g = &groups[c->group];
  char text[1024];
  const char *more = g->kind == EVENTS ? "Accept: text/event-stream\r\n" :
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: c2xvdGNhc3QtYmVuY2gtMQ==\r\nSec-WebSocket-Version: 13\r\n";
  int size = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: http://127.0.0.1:%d\r\n%s\r\n", g->path, port, port, more);
  put(c, text, (size_t)size);
}
static size_t fill(char *out, const char *template, Client *c) {
  char *p = out;
  for (const char *t = template; *t; t++) {
    if (*t != '$') *p++ = *t;
    else if (*++t == 'n') p += sprintf(p, "%ld", ask_number);
    else if (*t == 'p') p += sprintf(p, "%ld", ask_number - 1);
    else if (*t == 't') p += sprintf(p, "%ld", now_ns());
    else if (*t == 's') p += sprintf(p, "%s", slots[slot_next++ % slot_count]);
    else if (*t == 'i') p += sprintf(p, "%ld", (long)(c - clients) - groups[c->group].first);
    else if (*t == 'a') p += sprintf(p, "%s", c->cursor[0] ? c->cursor : "");
  }
  *p = 0;
  return (size_t)(p - out);
}
static void next_step(Client *c) {
  Group *g = &groups[c->group];
  static char text[4096];
  if (c->step < g->step_count) put_frame(c, 1, text, fill(text, g->steps[c->step++], c));
}
static void ask(Client *c) {
  static char body[4096], request[5000];
  ask_number++; job.asked++;
  asked_at[ask_number % MOST_ASKS] = now();
  size_t size = fill(body, job.template, c);
  c->asked = ask_number;
  if (job.group->kind != POST) {
    put_frame(c, 1, body, size);
    if (is_held_back) job.held_back++;
    return;
  }
  int head = sprintf(request, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", job.group->path, size, body);
  put(c, request, (size_t)head);
}
static Client *next_asker(void) { return &clients[job.group->first + job.group->next_asker++ % job.group->count]; }

// -- receiving

static void on_ready(Client *c) { c->state = READY; connecting--; ready++; }
static void on_ack(Client *c, long number, bool is_ok) {
  if (job.work == IDLE || number <= job.first_ask) return;
  if (is_ok) note(&acks, (long)((now() - asked_at[number % MOST_ASKS]) * 1e9));
  job.acked++; job.refused += !is_ok; job.timely += is_ok && !job.sent_at;
  if (job.work == CLOSED && job.asked < job.count) ask(c);
}
// Walks the changes in a message: `"seq":N,"prev":M,"cursor":"..."` is one; a `seq` without `prev` is an answer's head.
static void on_changes(Client *c, const char *text, size_t size, bool is_answer) {
  const char *p = text, *end = text + size;
  while ((p = memmem(p, (size_t)(end - p), "\"seq\":", 6))) {
    p += 6;
    long seq = 0, prev = 0;
    while (p < end && *p >= '0' && *p <= '9') seq = 10 * seq + (*p++ - '0');
    bool is_change = end - p > 8 && !memcmp(p, ",\"prev\":", 8);
    if (is_change) {
      for (p += 8; p < end && *p >= '0' && *p <= '9'; p++) prev = 10 * prev + (*p - '0');
      if (c->have >= 0 && prev != c->have) gaps++;
      delivered++;
    } else if (is_answer && c->have >= 0 && seq != c->have && !memmem(text, size, "\"mode\":\"snapshot\"", 17)) gaps++;
    caught_up += job.settle_seq ? (seq >= job.settle_seq) - (c->have >= job.settle_seq) : 0;
    c->have = seq;
    if (end - p > 11 && !memcmp(p, ",\"cursor\":\"", 11)) {
      const char *stop = memchr(p + 11, '"', (size_t)(end - p - 11));
      size_t length = stop ? (size_t)(stop - p - 11) : sizeof c->cursor;
      if (length < sizeof c->cursor) { memcpy(c->cursor, p + 11, length); c->cursor[length] = 0; }
    }
    if (!is_answer) break;
  }
  static unsigned turn;
  const char *sent = !is_answer && ++turn % 3 == 0 ? memmem(text, size, "\"t\":", 4) : NULL;
  if (sent) note(&changes, now_ns() - strtol(sent + 4, NULL, 10));
}
static void on_text(Client *c, const char *text, size_t size) {
  bool is_socketio = groups[c->group].kind == SOCKETIO;
  if (is_socketio && size == 1 && text[0] == '2') { put_frame(c, 1, "3", 1); return; }
  if (is_socketio && size > 2 && text[0] == '4' && text[1] == '3') {
    const char *comma = memchr(text, ',', size);
    long number = strtol(text[2] == '/' && comma ? comma + 1 : text + 2, NULL, 10);
    bool is_ok = memmem(text, size < 100 ? size : 100, "\"ok\":true", 9) != NULL;
    if (c->state == READY) { on_ack(c, number, is_ok); return; }
    if (!is_ok) { fprintf(stderr, "load: refused: %.*s\n", (int)(size < 200 ? size : 200), text); lose(c); return; }
    if (memmem(text, size < 200 ? size : 200, "\"mode\":\"resumed\"", 16)) resumed++; else snapshots++;
    on_changes(c, text, size, true);
    on_ready(c);
    return;
  }
  if (c->state == JOINING) {
    if (c->step < groups[c->group].step_count) next_step(c);
    else on_ready(c);
    return;
  }
  on_changes(c, text, size, false);
}
static size_t read_head(Client *c, unsigned char *data, size_t size) {
  unsigned char *stop = memmem(data, size, "\r\n\r\n", 4);
  if (!stop) return 0;
  Kind kind = groups[c->group].kind;
  if (memcmp(data, kind == EVENTS ? "HTTP/1.1 200" : "HTTP/1.1 101", 12)) {
    if (!is_refused_told && !resumes) fprintf(stderr, "load: refused: %.*s\n", (int)(size < 200 ? size : 200), data);
    is_refused_told = true;
    lose(c);
    return 0;
  }
  c->state = JOINING;
  if (kind != SOCKETIO) on_ready(c);
  return (size_t)(stop + 4 - data);
}
static size_t read_frames(Client *c, unsigned char *data, size_t size) {
  size_t at = 0;
  while (size - at >= 2 && c->state != LOST) {
    unsigned char *p = data + at;
    size_t length = p[1] & 127, head = 2;
    if (length == 126) { if (size - at < 4) break; length = (size_t)p[2] << 8 | p[3]; head = 4; }
    else if (length == 127) { if (size - at < 10) break; length = 0; for (int k = 2; k < 10; k++) length = length << 8 | p[k]; head = 10; }
    if (size - at < head + length) break;
    int opcode = p[0] & 15;
    if (opcode == 1) on_text(c, (char *)p + head, length);
    else if (opcode == 9) put_frame(c, 10, (char *)p + head, length);
    else if (opcode == 8) lose(c);
    at += head + length;
  }
  return at;
}
static size_t read_events(Client *c, unsigned char *data, size_t size) {
  size_t at = 0;
  unsigned char *stop;
  while ((stop = memmem(data + at, size - at, "\n\n", 2))) {
    on_changes(c, (char *)data + at, (size_t)(stop - data) - at, false);
    at = (size_t)(stop - data) + 2;
  }
  return at;
}
static size_t read_responses(Client *c, unsigned char *data, size_t size) {
  size_t at = 0;
  unsigned char *stop;
  while ((stop = memmem(data + at, size - at, "\r\n\r\n", 4))) {
    char *length = memmem(data + at, (size_t)(stop - data) - at, "Content-Length: ", 16);
    size_t body = length ? strtoul(length + 16, NULL, 10) : 0, end = (size_t)(stop + 4 - data) + body;
    if (end > size) break;
    on_ack(c, c->asked, data[at + 9] == '2');
    at = end;
  }
  return at;
}
static size_t read_bytes(Client *c, unsigned char *data, size_t size) {
  size_t at = 0;
  if (c->state == UPGRADING) {
    at = read_head(c, data, size);
    if (!at) return 0;
  }
  switch (groups[c->group].kind) {
    case EVENTS: return at + read_events(c, data + at, size - at);
    case POST: return at + read_responses(c, data + at, size - at);
    default: return at + read_frames(c, data + at, size - at);
  }
}
static void receive(Client *c) {
  static unsigned char data[READ_BYTES];
  size_t size = c->tail_size;
  if (size) memcpy(data, c->tail, size);
  ssize_t got = read(c->fd, data + size, sizeof data - size);
  if (got <= 0) {
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) lose(c);
    return;
  }
  size += (size_t)got;
  size_t used = read_bytes(c, data, size);
  if (c->state == LOST) return;
  free(c->tail);
  c->tail = NULL; c->tail_size = size - used;
  if (c->tail_size) {
    if (!(c->tail = malloc(c->tail_size))) die("memory");
    memcpy(c->tail, data + used, c->tail_size);
  }
}
static void on_event(Client *c, unsigned events) {
  if (c->state == NONE || c->state == LOST) return;
  if (c->state == CONNECTING && events & (EPOLLERR | EPOLLHUP)) { lose(c); return; }
  if (c->state == CONNECTING && events & EPOLLOUT) {
    arm(c, EPOLLIN, EPOLL_CTL_MOD);
    if (groups[c->group].kind == POST) { on_ready(c); return; }
    c->state = UPGRADING;
    put_request(c);
    return;
  }
  if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) receive(c);
}

// -- jobs

static Group *group_of(const char *name) {
  for (int k = 0; k < group_count; k++) if (!strcmp(groups[k].name, name)) return &groups[k];
  fprintf(stderr, "load: no group %s\n", name);
  exit(1);
}
static long watchers(void) {
  for (int k = 0; k < group_count; k++) if (!strcmp(groups[k].name, "watchers")) return groups[k].count;
  return 0;
}
static void finish(void) {
  double seconds = (job.last_at > job.began ? job.last_at : now()) - job.began;
  if (changes.count) qsort(changes.values, changes.count, sizeof(long), by_value);
  if (acks.count) qsort(acks.values, acks.count, sizeof(long), by_value);
  if (!job.sent_at) { job.sent_at = job.began + seconds; }
  printf("{\"seconds\":%.6f,\"sent_seconds\":%.6f,\"timely\":%ld,\"held_back\":%ld,\"ready\":%d,\"lost\":%d,\"asked\":%ld,\"acked\":%ld,\"refused\":%ld,\"delivered\":%ld,\"gaps\":%ld,"
         "\"resumed\":%ld,\"snapshots\":%ld,\"behind\":%ld,\"ack_p50_ms\":%.3f,\"ack_p99_ms\":%.3f,\"change_p50_ms\":%.3f,"
         "\"change_p99_ms\":%.3f,\"change_max_ms\":%.3f}\n",
         seconds, job.sent_at - job.began, job.timely, job.held_back, ready, lost, job.asked, job.acked, job.refused, delivered, gaps, resumed, snapshots,
         job.settle_seq ? watchers() - caught_up : 0, quantile(&acks, 0.5), quantile(&acks, 0.99), quantile(&changes, 0.5),
         quantile(&changes, 0.99), quantile(&changes, 1));
  fflush(stdout);
  job.work = IDLE; job.settle_seq = 0;
}
static void begin(Work work, double seconds) {
  job.work = work; job.began = job.last_at = now(); job.until = job.began + seconds;
  job.asked = job.acked = job.refused = job.held_back = job.timely = 0; job.sent_at = 0; job.first_ask = ask_number;
  changes.count = acks.count = 0; delivered = gaps = resumed = snapshots = 0;
}
static bool is_delivered(void) { return job.acked + job.held_back == job.asked && delivered >= job.asked * job.each * watchers(); }
static void open_more(void) {
  for (Group *g = job.group; job.opened < g->count && connecting < job.at_once; job.opened++) connect_client(&clients[g->first + job.opened]);
}
// Does what is due; ends the job when it is done, or when patience is at its end.
static void work(double t) {
  switch (job.work) {
    case IDLE: return;
    case OPENING:
      open_more();
      if (job.opened == job.group->count && !connecting && !(resumes && lost)) { job.last_at = t; finish(); return; }
      break;
    case LOCKSTEP:
      if (!is_delivered()) break;
      job.last_at = t;
      if (job.asked == job.count) { finish(); return; }
      ask(next_asker());
      break;
    case CLOSED:
      if (!job.asked) for (int k = 0; k < job.group->count && job.asked < job.count; k++) ask(next_asker());
      if (job.last_at == job.began && job.acked == job.count) job.last_at = t;  // the last ack; what is left only has to arrive
      if (job.acked == job.count && is_delivered()) { finish(); return; }
      break;
    case BURST:
      while (job.asked < job.count) ask(next_asker());
      if (is_delivered()) { job.last_at = t; finish(); return; }
      break;
    case PACED:
      while (job.asked < job.count && (double)job.asked <= (t - job.began) * job.rate) ask(next_asker());
      if (job.asked == job.count && !job.sent_at) job.sent_at = t;
      if (job.asked == job.count && is_delivered()) { job.last_at = t; finish(); return; }
      break;
    case SETTLING:
      if (caught_up == watchers() && ready == client_count) { job.last_at = t; finish(); return; }
      break;
  }
  if (t > job.until) { job.last_at = t; finish(); }
}
static void begin_ask(char *mode, long count, long each, double rate, char *template) {
  static const char *modes[] = {"lockstep", "closed", "paced", "burst"};
  begin(IDLE, PATIENCE);
  for (int k = 0; k < 4; k++) if (!strcmp(mode, modes[k])) job.work = LOCKSTEP + (Work)k;
  job.count = count; job.each = each; job.rate = rate;
  snprintf(job.template, sizeof job.template, "%s", template);
}
static void read_slots(const char *file) {
  FILE *from = fopen(file, "r");
  char line[128];
  if (!from) die(file);
  slot_count = slot_next = 0;
  while (fgets(line, sizeof line, from)) {
    line[strcspn(line, "\n")] = 0;
    slots = realloc(slots, sizeof *slots * (size_t)(slot_count + 1));
    slots[slot_count++] = strdup(line);
  }
  fclose(from);
}
static void command(char *line) {
  char name[16], word[32], path[256];
  int used = 0, at_once;
  long count, each;
  double rate;
  line[strcspn(line, "\n")] = 0;
  if (sscanf(line, "port %d", &port) == 1) return;
  if (!strcmp(line, "resume on")) { resumes = true; return; }
  if (sscanf(line, "slots %255s", path) == 1) { read_slots(path); return; }
  if (sscanf(line, "group %15s %31s %255s", name, word, path) == 3) {
    Group *g = &groups[group_count++];
    snprintf(g->name, sizeof g->name, "%s", name);
    snprintf(g->path, sizeof g->path, "%s", path);
    g->kind = word[0] == 's' ? SOCKETIO : word[0] == 'w' ? WEBSOCKET : word[0] == 'e' ? EVENTS : POST;
  } else if (sscanf(line, "step %15s %n", name, &used) == 1) {
    Group *g = group_of(name);
    g->steps[g->step_count++] = strdup(line + used);
  } else if (sscanf(line, "open %15s %ld %d", name, &count, &at_once) == 3) {
    job.group = group_of(name);
    job.group->first = client_count; job.group->count = (int)count; job.at_once = at_once; job.opened = 0;
    for (long k = 0; k < count; k++) clients[client_count++] = (Client){.group = (int)(job.group - groups), .have = -1};
    begin(OPENING, PATIENCE);
  } else if (sscanf(line, "ask %15s %31s %ld %ld %lf %n", name, word, &count, &each, &rate, &used) == 5) {
    job.group = group_of(name);
    begin_ask(word, count, each, rate, line + used);
  } else if (sscanf(line, "settle %ld %lf", &count, &rate) == 2) {
    long kept_gaps = gaps, kept_resumed = resumed, kept_snapshots = snapshots;  // what came since the last answer counts
    begin(SETTLING, rate);
    gaps = kept_gaps; resumed = kept_resumed; snapshots = kept_snapshots;
    job.settle_seq = count; caught_up = 0;
    for (int k = 0; k < client_count; k++) caught_up += clients[k].have >= count;
  } else { fprintf(stderr, "load: what is %s?\n", line); exit(1); }
}
static void come_back(double t) {
  static double next;
  if (t < next) return;
  next = t + 0.01;
  for (int k = 0; k < client_count; k++) if (clients[k].state == LOST && clients[k].retry_at <= t) connect_client(&clients[k]);
}
int main(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  clients = calloc(limit.rlim_max < 100000 ? limit.rlim_max : 100000, sizeof *clients);
  asked_at = calloc(MOST_ASKS, sizeof *asked_at);
  epoll = epoll_create1(0);
  struct epoll_event of_input = {.events = EPOLLIN, .data.u32 = ~0u}, events[1024];
  epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &of_input);
  setvbuf(stdin, NULL, _IONBF, 0);  // a line at a time, none of them out of epoll's sight
  char line[8192];
  for (;;) {
    int count = epoll_wait(epoll, events, 1024, job.work == IDLE && !resumes ? 1000 : 1);
    for (int k = 0; k < count; k++) {
      if (events[k].data.u32 != ~0u) on_event(&clients[events[k].data.u32], events[k].events);
      else if (job.work == IDLE) {
        if (!fgets(line, sizeof line, stdin)) return 0;
        command(line);
      }
    }
    double t = now();
    if (resumes) come_back(t);
    work(t);
  }
}
