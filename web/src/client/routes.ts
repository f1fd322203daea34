/** Made by `python -m tests.docs.generate` from the table of routes in realtime/http/routes.py. */

/** A request's method, its path under `/api`, and the field in the place of the path's `{id}`. */
export type Route = readonly [method: string, path: string, id: string];

export const ROUTES: Readonly<Record<string, Route>> = {
  "slot.hold": ["POST", "/slots/{id}/holds", "slot"],
  "hold.extend": ["POST", "/holds/{id}/extend", "hold"],
  "hold.release": ["POST", "/holds/{id}/release", "hold"],
  "slot.book": ["POST", "/slots/{id}/bookings", "slot"],
  "booking.send_code": ["POST", "/bookings/{id}/code", "booking"],
  "booking.verify": ["POST", "/bookings/{id}/verify", "booking"],
  "booking.get": ["GET", "/bookings/{id}", "booking"],
  "booking.cancel": ["POST", "/bookings/{id}/cancel", "booking"],
  "booking.reschedule": ["POST", "/bookings/{id}/reschedule", "booking"],
  "booking.update": ["PATCH", "/bookings/{id}", "booking"],
};
