import "react-native-get-random-values"; // the keys of commands are random
import "react-native-url-polyfill/auto"; // React Native's own URL cannot write a query
import AsyncStorage from "@react-native-async-storage/async-storage";
import { useState } from "react";
import {
  AppState,
  FlatList,
  Pressable,
  SafeAreaView,
  Text,
} from "react-native";
import { connect, type Slot, SlotcastError } from "slotcast-client";
import { appEnvironment } from "slotcast-client/native";
import { useCalendar } from "slotcast-client/react";

// The address of the server in your network: an app on a phone is not on localhost.
const client = connect("http://192.168.0.2:8080", {
  environment: appEnvironment(AppState),
  storage: AsyncStorage, // a command without an answer outlives the app
});

export default function App() {
  const { slots, info, status } = useCalendar(client, "demo");
  const [said, say] = useState("");

  async function book({ id }: Slot) {
    try {
      const booking = await client
        .calendar("demo")
        .book(id, { customer: { name: "Ada" } });
      say(`Booked: ${booking.status}`);
    } catch (error) {
      say(error instanceof SlotcastError ? error.message : String(error));
    }
  }

  return (
    <SafeAreaView>
      <Text>{info?.name ?? "…"}</Text>
      <Text>{status.state === "live" ? said : "Connecting …"}</Text>
      <FlatList
        data={slots.filter((slot) => slot.bookable)}
        keyExtractor={(slot) => slot.id}
        renderItem={({ item }) => (
          <Pressable onPress={() => void book(item)}>
            <Text>{new Date(item.start).toLocaleString()}</Text>
          </Pressable>
        )}
      />
    </SafeAreaView>
  );
}
