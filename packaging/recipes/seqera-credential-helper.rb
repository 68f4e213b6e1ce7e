class SeqeraCredentialHelper < Formula
  desc "Credential helper for Seqera and Sekuire: git, docker, shells and prompts"
  homepage "@HOME@"
  url "@RELEASE@/seqera-credential-helper-@VERSION@.tar.gz"
  sha256 "@SOURCE_SHA256@"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "make", "install", "PREFIX=#{prefix}"
  end

  test do
    ENV["SEQERA_HELPER_HOME"] = testpath
    ENV["SEQERA_HELPER_STORE"] = "file"
    request = "protocol=https\nhost=brew.example\n"
    pipe_output("#{bin}/git-credential-seqera store", "#{request}username=u\npassword=kept\n", 0)
    assert_match "password=kept", pipe_output("#{bin}/git-credential-seqera get", request, 0)
    assert_match version.to_s, shell_output("#{bin}/seqera --version")
  end
end
