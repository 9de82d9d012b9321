// SPDX-License-Identifier: GPL-2.0

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Fills and empties the heap, looks whether what is alive is what it was after each collection,
 * and prints how much of the heap is mapped from a file, and by PMDs.
 */
class Heap {
	static final int MIB = 1 << 20;

	static void fail(String what) {
		System.out.println("not ok " + what);
		System.exit(1);
	}

	public static void main(String[] arguments) throws Exception {
		Map<Integer, byte[]> alive = new HashMap<>();
		List<String> texts = new ArrayList<>();

		for (int round = 0; round < 12; round++) {
			byte[] block = new byte[MIB];

			Arrays.fill(block, (byte) round);
			alive.put(round, block);
			// garbage
			for (int i = 0; i < 50; i++)
				texts = new ArrayList<>(List.of("round " + round, new String(new char[10000])));
			if (round % 4 == 3)
				System.gc();
		}
		for (Map.Entry<Integer, byte[]> entry : alive.entrySet()) {
			for (byte value : entry.getValue()) {
				if (value != entry.getKey().byteValue())
					fail("block " + entry.getKey());
			}
		}
		if (!texts.get(0).equals("round 11"))
			fail("texts");
		report();
	}

	// Of the mappings of the heap's file, which has no name any more
	static void report() throws Exception {
		long resident = 0, pmd = 0;
		boolean ours = false;

		for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
			if (line.matches("[0-9a-f]+-[0-9a-f]+ .*"))
				ours = line.contains("(deleted)") && !line.contains("hsperfdata");
			else if (ours && line.startsWith("Rss:"))
				resident += Long.parseLong(line.replaceAll("[^0-9]", ""));
			else if (ours && line.matches("(File|Shmem)PmdMapped:.*"))
				pmd += Long.parseLong(line.replaceAll("[^0-9]", ""));
		}
		System.out.println("heap " + resident + " " + pmd);
	}
}
