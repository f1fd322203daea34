// io.socket:socket.io-client 2.1. Follows a calendar; `book` holds a slot and books it.
import io.socket.client.AckWithTimeout
import io.socket.client.IO
import io.socket.client.Socket
import io.socket.thread.EventThread
import java.util.Timer
import java.util.UUID
import kotlin.concurrent.schedule
import kotlin.random.Random
import org.json.JSONArray
import org.json.JSONObject

class CalendarClient(url: String, private val calendar: String, token: String? = null) {
    // Everything below runs on the library's one event thread; hand `slots` on from `onUpdate`.
    val slots = mutableMapOf<String, JSONObject>()
    var onUpdate: () -> Unit = {}

    private var have = -1L
    private var cursor: String? = null
    private val timer = Timer(true)
    private val socket: Socket = IO.socket(
        "$url/calendars",
        IO.Options.builder()
            .setAuth(if (token == null) emptyMap() else mapOf("token" to token))
            .build(),
    )

    init {
        socket.on(Socket.EVENT_CONNECT) { subscribe() } // the first time, and after each break
        socket.onAnyIncoming { arguments -> (arguments.getOrNull(1) as? JSONObject)?.let { applyChange(it) } }
        socket.connect()
    }

    private fun subscribe() {
        val fields = JSONObject().put("calendar", calendar).putOpt("after", cursor)
        ask("calendar.subscribe", fields, late = { socket.disconnect().connect() }) { answer ->
            if (!answer.getBoolean("ok")) return@ask refused(answer.getJSONObject("error"))
            if (answer.getString("mode") == "snapshot") slots.clear()
            answer.optJSONArray("slots").objects().forEach { put(it) }
            answer.optJSONArray("changes").objects().forEach { applyChange(it) }
            keepCursor(answer)
        }
    }

    private fun refused(error: JSONObject) {
        System.err.println(error)
        if (error.getBoolean("retryable")) later(1_000 + Random.nextLong(1_000)) { subscribe() }
    }

    private fun applyChange(change: JSONObject) {
        if (change.getLong("seq") <= have) return // applied before
        if (change.getLong("prev") > have) return subscribe() // a gap
        change.getJSONArray("slots").objects().forEach { put(it) }
        val removed = change.getJSONArray("removed")
        for (place in 0 until removed.length()) slots.remove(removed.getString(place))
        keepCursor(change)
    }

    private fun put(slot: JSONObject) {
        slots[slot.getString("id")] = slot
    }

    private fun keepCursor(message: JSONObject) {
        have = message.getLong("seq")
        cursor = message.getString("cursor")
        onUpdate()
    }

    fun book(slot: String, name: String, done: (JSONObject) -> Unit) {
        mutate("slot.hold", JSONObject().put("slot", slot)) { held ->
            val hold = held.optJSONObject("hold") ?: return@mutate done(held) // refused: `error` says why
            val proof = JSONObject().put("id", hold.getString("id")).put("token", hold.getString("token"))
            val fields = JSONObject().put("slot", slot).put("hold", proof)
            mutate("slot.book", fields.put("customer", JSONObject().put("name", name)), done = done)
        }
    }

    /** One key for all tries: a retry after a lost answer books once. */
    private fun mutate(
        name: String,
        fields: JSONObject,
        key: String = UUID.randomUUID().toString(),
        wait: Long = 500,
        done: (JSONObject) -> Unit,
    ) {
        val again = { later(Random.nextLong(wait)) { mutate(name, fields, key, minOf(2 * wait, 15_000), done) } }
        ask(name, fields.put("key", key), late = again) { answer ->
            if (answer.optJSONObject("error")?.getBoolean("retryable") == true) again() else done(answer)
        }
    }

    private fun ask(name: String, fields: JSONObject, late: () -> Unit, done: (JSONObject) -> Unit) {
        val ack = object : AckWithTimeout(5_000) {
            override fun onSuccess(vararg arguments: Any) = done(arguments[0] as JSONObject)
            override fun onTimeout() = EventThread.exec { late() } // it comes on a timer's thread
        }
        socket.emit(name, arrayOf(fields), ack)
    }

    private fun later(milliseconds: Long, act: () -> Unit) {
        timer.schedule(milliseconds) { EventThread.exec { act() } }
    }
}

private fun JSONArray?.objects(): List<JSONObject> =
    if (this == null) emptyList() else List(length()) { place -> getJSONObject(place) }
