# Holds the compile, and with it one JRuby, for so many seconds.
Puppet::Functions.create_function(:'probe::pause') do
  dispatch :pause do
    param 'Integer[0, 60]', :seconds
  end

  def pause(seconds)
    sleep(seconds)
  end
end
