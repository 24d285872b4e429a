// SPDX-License-Identifier: MIT
// Uploads at a pace and prints the status: java Upload.java <url> <token> <bytes> <bytes a second>
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

class Upload {
    static final int PIECES_A_SECOND = 20;

    static class Paced extends InputStream {
        final int piece;
        long left;

        Paced(long total, int pace) {
            left = total;
            piece = Math.max(1, pace / PIECES_A_SECOND);
        }

        @Override
        public int read() {
            throw new UnsupportedOperationException();
        }

        @Override
        public int read(byte[] bytes, int at, int length) {
            if (left == 0) {
                return -1;
            }
            try {
                Thread.sleep(1000L * Math.min(piece, length) / piece / PIECES_A_SECOND);
            } catch (InterruptedException interrupted) {
                throw new IllegalStateException(interrupted);
            }
            int count = (int) Math.min(Math.min(piece, length), left);
            left -= count;
            return count;
        }
    }

    public static void main(String[] arguments) throws Exception {
        long total = Long.parseLong(arguments[2]);
        int pace = Integer.parseInt(arguments[3]);
        HttpRequest request = HttpRequest.newBuilder(URI.create(arguments[0]))
            .version(HttpClient.Version.HTTP_1_1)
            .header("Authorization", "Bearer " + arguments[1])
            .POST(HttpRequest.BodyPublishers.fromPublisher(
                HttpRequest.BodyPublishers.ofInputStream(() -> new Paced(total, pace)), total))
            .build();
        System.out.println(
            HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
    }
}
