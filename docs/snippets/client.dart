// socket_io_client 3. Follows a calendar; `book` holds a slot and books it.
import 'dart:async';
import 'dart:convert';
import 'dart:math';

import 'package:socket_io_client/socket_io_client.dart' as io;

typedef Json = Map<String, dynamic>;

class CalendarClient {
  CalendarClient(String url, this.calendar, {String? token}) {
    // On phones it supports WebSocket only.
    final options = io.OptionBuilder().setTransports(['websocket']).disableAutoConnect();
    if (token != null) options.setAuth({'token': token});
    _socket = io.io('$url/calendars', options.build());
    _socket.onConnect((_) => _subscribe()); // the first time, and after each break
    _socket.onAny((event, data) {
      // It also receives the client's own events; these have no seq.
      if (data is Map && data['seq'] is int) _apply(Json.from(data));
    });
    _socket.connect();
  }

  final String calendar;
  final Map<String, Json> slots = {};
  void Function() onUpdate = () {};

  late final io.Socket _socket;
  final _random = Random.secure();
  int _have = -1;
  String? _cursor;

  void _subscribe() {
    final fields = {'calendar': calendar, if (_cursor != null) 'after': _cursor};
    // A callback, not `await`: what follows an await may run after the next change.
    _socket.emitWithAck('calendar.subscribe', fields, ack: (data) {
      final answer = Json.from(data as Map);
      if (answer['ok'] != true) {
        print('refused: ${answer['error']}');
        if (answer['error']['retryable'] == true) {
          Timer(Duration(milliseconds: 1000 + _random.nextInt(1000)), _subscribe);
        }
        return;
      }
      if (answer['mode'] == 'snapshot') slots.clear();
      for (final slot in answer['slots'] ?? const []) {
        _put(slot as Map);
      }
      for (final change in answer['changes'] ?? const []) {
        _apply(Json.from(change as Map));
      }
      _keepCursor(answer);
    });
  }

  void _apply(Json change) {
    if ((change['seq'] as int) <= _have) return; // applied before
    if ((change['prev'] as int) > _have) return _subscribe(); // a gap
    for (final slot in change['slots']) {
      _put(slot as Map);
    }
    for (final id in change['removed']) {
      slots.remove(id);
    }
    _keepCursor(change);
  }

  void _put(Map slot) => slots[slot['id'] as String] = Json.from(slot);

  void _keepCursor(Json message) {
    _have = message['seq'] as int;
    _cursor = message['cursor'] as String;
    onUpdate();
  }

  /// Returns the answer: `booking`, or `error` with the reason.
  Future<Json> book(String slot, String name) async {
    final held = await _mutate('slot.hold', {'slot': slot});
    if (held['ok'] != true) return held;
    final hold = held['hold'] as Map;
    return _mutate('slot.book', {
      'slot': slot,
      'hold': {'id': hold['id'], 'token': hold['token']},
      'customer': {'name': name},
    });
  }

  /// One key for all tries: a retry after a lost answer books once.
  Future<Json> _mutate(String event, Json fields) async {
    final key = base64Url.encode(List.generate(18, (_) => _random.nextInt(256)));
    for (var wait = 500;; wait = min(2 * wait, 15000)) {
      final answered = Completer<Json>();
      _socket.emitWithAck(event, {...fields, 'key': key}, ack: (data) {
        if (!answered.isCompleted) answered.complete(Json.from(data as Map));
      });
      try {
        final answer = await answered.future.timeout(const Duration(seconds: 5));
        if (answer['ok'] == true || answer['error']['retryable'] != true) return answer;
      } on TimeoutException {
        // No answer in time.
      }
      await Future.delayed(Duration(milliseconds: _random.nextInt(wait)));
    }
  }
}
