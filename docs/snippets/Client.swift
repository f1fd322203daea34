// Socket.IO-Client-Swift 16. Follows a calendar; `book` holds a slot and books it.
import Foundation
import SocketIO

final class CalendarClient {
    private(set) var slots: [String: [String: Any]] = [:]
    var onUpdate: () -> Void = {}

    private let calendar: String
    private let manager: SocketManager
    private let socket: SocketIOClient
    private var have = -1
    private var cursor: String?

    init(url: URL, calendar: String) {
        self.calendar = calendar
        // Unset, it waits 10 to 30 s between tries. Its callbacks run on the main queue.
        manager = SocketManager(socketURL: url, config: [.forceWebsockets(true), .reconnectWait(1), .reconnectWaitMax(10)])
        socket = manager.socket(forNamespace: "/calendars")
        socket.on(clientEvent: .connect) { [weak self] _, _ in self?.subscribe() }
        socket.onAny { [weak self] event in
            // It also receives the client's own events; these have no seq.
            guard let change = event.items?.first as? [String: Any], change["seq"] is Int else { return }
            self?.apply(change)
        }
        socket.connect() // with a token: connect(withPayload: ["token": token]); it is sent again at each reconnection
    }

    private func subscribe() {
        var fields: [String: Any] = ["calendar": calendar]
        fields["after"] = cursor
        socket.emitWithAck("calendar.subscribe", fields).timingOut(after: 10) { [weak self] items in
            guard let self else { return }
            guard let answer = items.first as? [String: Any] else { return self.manager.reconnect() } // no answer
            guard answer["ok"] as? Bool == true else { return self.refused(answer["error"] as? [String: Any] ?? [:]) }
            if answer["mode"] as? String == "snapshot" { self.slots = [:] }
            for slot in answer["slots"] as? [[String: Any]] ?? [] { self.put(slot) }
            for change in answer["changes"] as? [[String: Any]] ?? [] { self.apply(change) }
            self.keepCursor(answer)
        }
    }

    private func refused(_ error: [String: Any]) {
        print("refused:", error)
        guard error["retryable"] as? Bool == true else { return }
        DispatchQueue.main.asyncAfter(deadline: .now() + Double.random(in: 1...2)) { [weak self] in
            if self?.socket.status == .connected { self?.subscribe() } // else the next connect does
        }
    }

    private func apply(_ change: [String: Any]) {
        guard let seq = change["seq"] as? Int, let prev = change["prev"] as? Int, seq > have else { return }
        guard prev <= have else { return subscribe() } // a gap
        for slot in change["slots"] as? [[String: Any]] ?? [] { put(slot) }
        for id in change["removed"] as? [String] ?? [] { slots[id] = nil }
        keepCursor(change)
    }

    private func put(_ slot: [String: Any]) {
        if let id = slot["id"] as? String { slots[id] = slot }
    }

    private func keepCursor(_ message: [String: Any]) {
        have = message["seq"] as? Int ?? have
        cursor = message["cursor"] as? String
        onUpdate()
    }

    func book(slot: String, name: String, done: @escaping ([String: Any]) -> Void) {
        mutate("slot.hold", ["slot": slot]) { [weak self] answer in
            guard let hold = answer["hold"] as? [String: Any], let id = hold["id"], let token = hold["token"] else {
                return done(answer) // refused: answer["error"] says why
            }
            let proof = ["id": id, "token": token]
            self?.mutate("slot.book", ["slot": slot, "hold": proof, "customer": ["name": name]], done: done)
        }
    }

    /// One key for all tries: a retry after a lost answer books once.
    private func mutate(
        _ name: String, _ fields: [String: Any], key: String = UUID().uuidString, wait: Double = 0.5,
        done: @escaping ([String: Any]) -> Void
    ) {
        let keyed = fields.merging(["key": key]) { $1 }
        let again = { [weak self] in
            DispatchQueue.main.asyncAfter(deadline: .now() + .random(in: 0...wait)) {
                self?.mutate(name, fields, key: key, wait: min(2 * wait, 15), done: done)
            }
        }
        guard socket.status == .connected else { return again() }
        socket.emitWithAck(name, keyed).timingOut(after: 5) { items in
            guard let answer = items.first as? [String: Any] else { return again() } // no answer in time
            let error = answer["error"] as? [String: Any]
            if error?["retryable"] as? Bool == true { again() } else { done(answer) }
        }
    }
}
